#!/usr/bin/perl
# A toggle is flipped while requests stream: the first one after the command has
# returned is judged by the new state, on every worker, and none fails.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need('wrk');
my $flips = $ENV{T_LONG} ? 100 : 10;
my $t = InteropEdge->start(conf => { workers => 2 }, http => <<'END');
    server { listen %%ADDR:carrier%%; location / { return 201 '{"id":"1"}'; } }
    server { listen %%ADDR:load%%; interop_api graph; location / { proxy_pass http://%%ADDR:carrier%%; } }
END
$t->write('load.lua', <<"END");
wrk.method = "POST"
wrk.path = "$MESSAGES"
wrk.body = [[$TEXT]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-User"] = "jonas"
on, off, other = 0, 0, 0
response = function(status, headers, body)
  local v = headers["Interop-Verdict"] or ""
  if status == 201 and v:find("^deliver") then on = on + 1
  elseif status == 403 and v:find("interop_disabled") then off = off + 1
  else other = other + 1 end
end
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("on %d off %d other %d errors %d %d %d %d\\n", threads[1]:get("on"), threads[1]:get("off"),
    threads[1]:get("other"), e.connect, e.read, e.write, e.timeout))
end
END
my $seconds = int($flips * 0.25) + 2;
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', $t->dir . '/wrk.out';
    open STDERR, '>&', \*STDOUT;
    exec { 'wrk' } 'wrk', '-t1', '-c8', "-d${seconds}s", '-s', $t->dir . '/load.lua', 'http://127.0.0.1:' . $t->port('load')
        or POSIX::_exit(127);
}
my ($wrong, $state) = (0, 'on');
for (1 .. $flips) {
    $state = $state eq 'on' ? 'off' : 'on';
    my ($status, $out) = $t->ctl('tenant', 'set', $InteropEdge::tenant, "toggles.interop.kaizala_teams=$state",
        '--store', $t->dir . '/store');
    $status == 0 or diag($out), $wrong++;
    for (1 .. 6) {    # more than there are workers
        my $r = $t->teams(POST => $MESSAGES, body => $TEXT, port => 'load');
        $wrong++ if $r->{status} != ($state eq 'on' ? 201 : 403);
    }
}
is($wrong, 0, "$flips flips: each judged from the next request on");
ok($t->wait_pid($pid, $seconds + 30), 'the load has ended');
my $out = $t->read_file('wrk.out');
like($out, qr/^on [1-9]\d+ off [1-9]\d+ other 0 errors 0 0 0 0$/m, 'each request got one or the other, and none failed')
    or diag($out);
$t->done_testing;
