#!/usr/bin/perl
# Reloads under load: no request fails or goes unjudged, and neither master nor
# workers grow after the first ten. 25 reloads; 1,000 with T_LONG=1. (Connections
# are closed after each request: one that is kept open is reset by any reload of
# nginx, whatever modules it has.)
use strict;
use warnings;
use POSIX ();
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need('wrk');
my $times = $ENV{T_LONG} ? 1000 : 25;
my $t = InteropEdge->start(start => 0, http => <<'END');
    server { listen %%ADDR:carrier%%; location / { return 201 '{"id":"1"}'; } }
    server {
        listen %%ADDR:load%%;
        interop_api graph;
        proxy_http_version 1.0;
        add_header X-Revision $interop_policy_revision always;
        interop_script %%DIR%%/count.lua;
        location / { proxy_pass http://%%ADDR:carrier%%; }
    }
END
$t->write('count.lua', <<'END');
local words = text.list{ "bluebird", "project kestrel" }
return function(event)
  counter.incr("n", 60)
  if text.contains_any(event.text, words) or re.find(event.text, [[\bosprey\b]]) then return deny("x") end
end
END
InteropNginx::start($t);
my $seconds = int($times * 0.4) + 2;
$t->write('load.lua', <<"END");
local bodies = { [[$TEXT]], [[$BOLD]] }
local n = 0
bad = 0
request = function()
  n = n + 1
  return wrk.format("POST", "$MESSAGES", { ["Content-Type"] = "application/json", ["X-User"] = "jonas", Connection = "close" },
    bodies[n % 2 + 1])
end
response = function(status, headers, body)
  if status ~= 201 or not headers["Interop-Verdict"] or not headers["X-Revision"] then bad = bad + 1 end
end
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("requests %d errors %d %d %d %d %d bad %d\\n", summary.requests,
    e.connect, e.read, e.write, e.status, e.timeout, threads[1]:get("bad")))
end
END
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', $t->dir . '/wrk.out';
    open STDERR, '>&', \*STDOUT;
    exec { 'wrk' } 'wrk', '-t1', '-c8', "-d${seconds}s", '-s', $t->dir . '/load.lua', 'http://127.0.0.1:' . $t->port('load')
        or POSIX::_exit(127);
}
my ($good, %master, %worker) = (0);
for my $i (1 .. $times) {
    $good += $t->reload ? 1 : 0;
    $t->pump(sub { 0 }, 0.1);
    next unless $i == 10 || $i == $times;
    $t->pump(sub { 1 == $t->workers }, 10);
    $master{$i} = $t->rss($t->pid);
    $t->pump(sub { 0 }, 0.5);    # the worker has served for a moment
    ($worker{$i}) = map { $t->rss($_) } ($t->workers)[-1];
}
ok($t->wait_pid($pid, $seconds + 30), 'the load has ended');
my $out = $t->read_file('wrk.out');
is($good, $times, "$times reloads were taken");
like($out, qr/^requests [1-9]\d{2,} /m, 'there was load') or diag($out);
like($out, qr/ errors 0 0 0 0 0 bad 0$/m, 'no request failed') or diag($out);
SKIP: {
    skip 'a sanitizer keeps what is freed', 2 if $ENV{T_ASAN};
    cmp_ok($master{$times} - $master{10}, '<', 600, "the master does not grow: $master{10} KiB, then $master{$times} KiB");
    cmp_ok($worker{$times} - $worker{10}, '<', 600, "nor do workers: $worker{10} KiB, then $worker{$times} KiB");
}
$t->done_testing;
