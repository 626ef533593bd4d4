// What the SDK tests share: a recording upstream that answers as told, and TAP.
// Owns no format: each test file says what its service answers.
//
// Environment, set by t/700-sdk.t: EDGE (the https address of the edge), UPSTREAM
// (the port that upstream is to listen on).
import http from 'node:http';
import { isDeepStrictEqual } from 'node:util';

export const edge = process.env.EDGE;
export const requests = [];        // { method, url, headers, body } as upstream got them
let routes = [];
let number = 0;
let failed = 0;

// [[METHOD, /path/, status, body or function(request, match)], ...], first match
export function answers(list) { routes = list; }

const server = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', c => chunks.push(c));
  req.on('end', () => {
    const r = { method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(chunks).toString() };
    requests.push(r);
    const path = decodeURIComponent(r.url.split('?')[0]);
    for (const [method, pattern, status, body] of routes) {
      const m = method === r.method && pattern.exec(path);
      if (!m) continue;
      const out = typeof body === 'function' ? body(r, m) : body;
      if (out === undefined) { res.writeHead(status, { 'content-length': 0 }); return res.end(); }
      res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      return res.end(JSON.stringify(out));
    }
    res.writeHead(500, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ error: { code: 'NoRoute', message: `${r.method} ${path}` } }));
  });
});

export function ok(cond, name, why) {
  number++;
  if (!cond) failed++;
  console.log(`${cond ? 'ok' : 'not ok'} ${number} - ${name}`);
  if (!cond && why !== undefined) console.log(String(why).replace(/^/gm, '# '));
}

export function is(got, want, name) {
  ok(isDeepStrictEqual(got, want), name, `got  ${JSON.stringify(got)}\nwant ${JSON.stringify(want)}`);
}

export function skip(name, why) { console.log(`ok ${++number} - ${name} # SKIP ${why}`); }

const text = e => e && e.stack || e;

// The call works and upstream got exactly the request [METHOD, /url/]; its result.
export async function works(name, call, [method, pattern]) {
  const before = requests.length;
  try {
    const result = await call();
    const seen = requests.slice(before);
    const hit = seen.find(r => r.method === method && pattern.test(decodeURIComponent(r.url)));
    ok(hit, name, `upstream got ${JSON.stringify(seen.map(r => `${r.method} ${r.url}`))}`);
    return { result, seen: hit || { headers: {}, body: '{}' } };
  } catch (e) {
    ok(false, name, text(e));
    return { result: undefined, seen: { headers: {}, body: '{}' } };
  }
}

// The call fails with the SDK's own error: status and code as `read` takes them
// from it; upstream got nothing.
export async function fails(name, call, status, code, read) {
  const before = requests.length;
  try {
    const r = await call();
    ok(false, name, `it went through: ${JSON.stringify(r)}`);
  } catch (e) {
    is([...read(e), requests.length - before], [status, code, 0], name);
    if (read(e)[0] === undefined) console.log(`# ${text(e)}`);
  }
}

export async function all(iterator) {
  const out = [];
  for await (const x of iterator) out.push(x);
  return out;
}

export async function run(body) {
  await new Promise(done => server.listen(+process.env.UPSTREAM, '127.0.0.1', done));
  try { await body(); } catch (e) { ok(false, 'the test ran to its end', text(e)); }
  console.log(`1..${number}`);
  server.closeAllConnections();
  server.close();
  process.exit(failed ? 1 : 0);
}

// a token of the form that the SDKs insist on; the edge of these tests reads who
// asks from where the signature would be
export function token(who, claims) {
  const part = o => Buffer.from(JSON.stringify(o)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}.${Buffer.from(who).toString('base64url')}`;
}
