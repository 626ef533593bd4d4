// @microsoft/microsoft-graph-client through the edge: each of its verbs, paging,
// batches, raw answers, and the chat resources that the service documents.
import { BatchRequestContent, BatchResponseContent, Client, PageIterator, ResponseType } from '@microsoft/microsoft-graph-client';
import { answers, edge, fails, is, ok, run, skip, token, works } from './harness.mjs';

const chat = '19:ab12cd34ef56ab78cd90@thread.v2';
const path = `/chats/${chat}`;
const message = (id, content) => ({ id, messageType: 'message', createdDateTime: '2025-10-09T08:00:01Z',
  from: { user: { id: 'a7d10000-0000-4000-8000-00000000b002', displayName: 'Asha Rao', userIdentityType: 'aadUser' } },
  body: { contentType: 'html', content } });
const channel = '/teams/02bd9fd6-8f93-4758-87c3-1fb73740a315/channels/19:c0ffee@thread.tacv2';

answers([
  ['POST', /^\/v1\.0\/\$batch$/, 200, r => ({ responses: JSON.parse(r.body).requests.map(q =>
    ({ id: q.id, status: q.method === 'GET' ? 200 : 201, headers: { 'Content-Type': 'application/json' }, body: { id: '1760000000456' } })) })],
  ['POST', /^\/v1\.0\/chats$/, 201, { id: chat, chatType: 'group' }],
  ['GET', /^\/v1\.0\/(me\/)?chats$/, 200, { value: [{ id: chat, chatType: 'group' }] }],
  ['POST', /\/messages$/, 201, () => message('1760000000456', 'hello')],
  ['GET', /\/messages$/, 200, r => /skiptoken/.test(r.url) ? { value: [message('1760000000457', 'two')] }
    : { value: [message('1760000000456', 'one')], '@odata.nextLink': `${edge}/v1.0${path}/messages?$skiptoken=2` }],
  ['GET', /\/messages\/\d+$/, 200, () => message('1760000000456', 'one')],
  ['PATCH', /\/messages\/\d+$/, 204],
  ['POST', /\/messages\/\d+\/(softDelete|undoSoftDelete|setReaction|unsetReaction)$/, 204],
  ['POST', /\/messages\/\d+\/replies$/, 201, () => message('1760000000458', 'reply')],
  ['GET', /\/members$/, 200, { value: [{ id: 'm-1', displayName: 'Asha Rao', userId: 'a7d10000-0000-4000-8000-00000000b002' }] }],
  ['POST', /\/members$/, 201, { id: 'm-2' }],
  ['DELETE', /\/members\/[^/]+$/, 204],
  ['PATCH', /^\/v1\.0\/chats\/[^/]+$/, 200, { id: chat, topic: 'Claim' }],
  ['GET', /^\/v1\.0\/chats\/[^/]+$/, 200, { id: chat, chatType: 'group' }],
  ['POST', /\/onlineMeetings$/, 201, { id: 'meet-1', joinWebUrl: 'https://meet.contoso.example/1' }],
]);

const client = who => Client.init({ baseUrl: `${edge}/`, customHosts: new Set(['localhost']), authProvider: done => done(null, token(who, {})) });
const error = e => [e.statusCode, e.code];
const body = (content, contentType = 'text') => ({ body: { contentType, content } });

run(async () => {
  const g = client('asha');
  let r = await works('get: a chat', () => g.api(path).get(), ['GET', /^\/v1\.0\/chats\/19:/]);
  is(r.result?.id, chat, '... as it is');
  await works('get: the chats', () => g.api('/me/chats').top(5).get(), ['GET', /^\/v1\.0\/me\/chats\?/]);
  r = await works('post: a chat', () => g.api('/chats').post({ chatType: 'group', topic: 'Claim', members: ['b002', 'b003'].map(n => ({
    '@odata.type': '#microsoft.graph.aadUserConversationMember', roles: ['owner'],
    'user@odata.bind': `https://graph.microsoft.com/v1.0/users('a7d10000-0000-4000-8000-00000000${n}')` })) }), ['POST', /^\/v1\.0\/chats$/]);
  is(r.result?.id, chat, '... its id is read');
  await works('patch: its topic', () => g.api(path).patch({ topic: 'Claim 2' }), ['PATCH', /^\/v1\.0\/chats\/19:/]);
  r = await works('post: a message', () => g.api(`${path}/messages`).post(body('Your claim')), ['POST', /\/messages$/]);
  is(JSON.parse(r.seen.body).body.content, 'Your claim', '... upstream got the text');
  is(r.result?.id, '1760000000456', '... its id is read');
  await works('create: a message', () => g.api(`${path}/messages`).create(body('Your claim')), ['POST', /\/messages$/]);
  r = await works('get: messages over two pages', async () => {
    const ids = [];
    await new PageIterator(g, await g.api(`${path}/messages`).get(), m => ids.push(m.id) > 0).iterate();
    return ids;
  }, ['GET', /skiptoken=2/]);
  is(r.result, ['1760000000456', '1760000000457'], '... both are read');
  await works('get: a message', () => g.api(`${path}/messages/1760000000456`).get(), ['GET', /\/messages\/1760000000456$/]);
  r = await works('get: a raw answer', () => g.api(`${path}/messages/1760000000456`).responseType(ResponseType.RAW).get(), ['GET', /\/messages\/1760000000456$/]);
  is(r.result?.status, 200, '... its status');
  r = await works('getStream: a message', async () => {
    const chunks = [];
    for await (const c of await g.api(`${path}/messages/1760000000456`).getStream()) chunks.push(c);
    return Buffer.concat(chunks).toString();
  }, ['GET', /\/messages\/1760000000456$/]);
  ok(/"one"/.test(r.result ?? ''), '... its body', r.result);
  const soft = g.api(`/users/a7d10000-0000-4000-8000-00000000b002${path}/messages/1760000000456/softDelete`);
  await works('post: softDelete', () => soft.post({}), ['POST', /softDelete$/]);
  await works('post: setReaction', () => g.api(`${path}/messages/1760000000456/setReaction`).post({ reactionType: 'like' }), ['POST', /setReaction$/]);
  await works('get: members', () => g.api(`${path}/members`).get(), ['GET', /\/members$/]);
  await works('post: a member', () => g.api(`${path}/members`).post({ '@odata.type': '#microsoft.graph.aadUserConversationMember', roles: ['owner'],
    'user@odata.bind': "https://graph.microsoft.com/v1.0/users('a7d10000-0000-4000-8000-00000000b003')" }), ['POST', /\/members$/]);
  await works('delete: a member', () => g.api(`${path}/members/m-1`).delete(), ['DELETE', /\/members\/m-1$/]);
  await works('del: a member', () => g.api(`${path}/members/m-1`).del(), ['DELETE', /\/members\/m-1$/]);
  await works('post: a channel message', () => g.api(`${channel}/messages`).post(body('<b>hi</b>', 'html')), ['POST', /tacv2\/messages$/]);
  await works('post: a reply in a channel', () => g.api(`${channel}/messages/1760000000456/replies`).post(body('yes')), ['POST', /replies$/]);
  await works('post: an online meeting', () => g.api('/me/onlineMeetings').post({ subject: 'Claim' }), ['POST', /onlineMeetings$/]);
  skip('put, putStream, LargeFileUploadTask', 'chats have nothing that is put or uploaded in ranges');


  r = await works('a batch', async () => {
    const steps = [1, 2].map(id => ({ id: `${id}`, request: new Request(`${edge}/v1.0${path}/messages`, { method: 'POST',
      headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body(`text ${id}`)) }) }));
    const batch = new BatchRequestContent(steps);
    const content = await batch.getContent();
    for (const q of content.requests) q.url = q.url.replace(/^.*\/v1\.0/, '');
    return new BatchResponseContent(await g.api('/$batch').post(content));
  }, ['POST', /\$batch$/]);
  is([1, 2].map(id => r.result?.getResponseById(`${id}`)?.status), [201, 201], '... both answers are read');

  // a chat with someone of another system, where nothing is enabled
  const s = client('ziya');
  const mixed = '/chats/19:ff12cd34ef56ab78cd90@thread.v2';
  await fails('a message denied: GraphError 403 acs_not_enabled', () => s.api(`${mixed}/messages`).post(body('hello')), 403, 'acs_not_enabled', error);
  await fails('a reaction denied: GraphError 403 acs_not_enabled',
    () => s.api(`${mixed}/messages/1760000000456/setReaction`).post({ reactionType: 'like' }), 403, 'acs_not_enabled', error);
  await fails('a chat that the other side deleted: GraphError 404 conversation_deleted (AC-15)',
    () => g.api('/chats/19:de12cd34ef56ab78cd90@thread.v2/messages').post(body('hello')), 404, 'conversation_deleted', error);
  await fails('what nobody has documented: GraphError 404 unmatched', () => s.api('/chats/19:x/unheard-of').get(), 404, 'unmatched', error);
});
