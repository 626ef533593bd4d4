#!/usr/bin/perl
# Scripts at the edge: attached by a policy and by "interop_script", what
# upstream and the client get, counters that all workers share, failures, the
# setting aside, what a configuration says of a script that is wrong, a reload.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need;
plan skip_all => 'the Lua host is not built' unless -e dirname($InteropNginx::MODULE) . '/interop_lua.so';
my $root = abs_path(dirname(abs_path(__FILE__)) . '/..');

# the pack, and a policy with scripts
my $t = InteropEdge->start(start => 0, http => '', locations => '');
my $dir = $t->dir;
my $tenant = $InteropEdge::tenant;
$t->write('keep.lua', 'return function(event) end');
$t->write('here.lua', <<'L');
return function(event, verdict)
  local word = event.text or ""
  if word == "go" then return set_header("X-Seen", event.sender.id .. " " .. verdict.name) end
  if word == "loop" then while true do end end
  if word == "bomb" then local t = {} while true do t[#t + 1] = ("x"):rep(1000) end end
  if word == "wrong" then return 1 end
  if word == "log" then log("a line\nand another", event.sender.id) end
  if word == "deny" then return deny("because", "Not today.") end
  if word == "known" then return deny("not_licensed") end
  if word == "drop" then return drop() end
  if word == "other" then return replace_text("Something else"), notice("use-teams") end
  if word == "mild" then return deliver() end
end
L
$t->write('count.lua', 'return function(event) log("count", counter.incr("n", 3600)) end');
$t->write('flood.lua', <<'L');
return function(event)
  local n = counter.incr("round", 3600)
  for i = 1, 100 do
    local good = pcall(counter.incr, ("x"):rep(100) .. " " .. n .. " " .. i, 86400)
    if not good then log("flood ends", i) return end
  end
end
L
$t->conf($t->front(locations => <<"L"), workers => 2);
    location /keep/ { rewrite ^/keep(/.*) \$1 break; interop_script keep.lua; proxy_pass http://%%UPSTREAM%%; }
    location /count/ { rewrite ^/count(/.*) \$1 break; interop_script count.lua; proxy_pass http://%%UPSTREAM%%; }
    location /here/ { rewrite ^/here(/.*) \$1 break; interop_script here.lua; proxy_pass http://%%UPSTREAM%%; }
    location /flood/ { rewrite ^/flood(/.*) \$1 break; interop_script flood.lua; proxy_pass http://%%UPSTREAM%%; }
    location = /status { interop_status; }
L
InteropNginx::start($t);

sub body { my ($text) = @_; return qq({"body":{"contentType":"text","content":"$text"}}) }
sub send_text {
    my ($text, %o) = @_;
    my $r = $t->teams(POST => ($o{at} // '/here') . $MESSAGES, body => body($text), %{ $o{more} || {} });
    return $r;
}
sub upstream { my @all = @{ $t->upstream->requests }; return $all[-1] }

my $r = send_text('plain');
is($r->{status}, 201, 'a script that says nothing');
like($r->{headers}{'interop-verdict'}, qr/^deliver;/, 'keeps the verdict');

$r = send_text('go', more => { headers => { 'X-Seen' => 'forged' } });
is($r->{status}, 201, 'a header is set');
is(upstream()->{headers}{'x-seen'}, 'jonas deliver', 'in place of the client\'s');

$r = send_text('deny');
is($r->{status}, 403, 'a denial');
like($r->{body}, qr/"code":"because"/, 'with its reason');
like($r->{body}, qr/Not today\./, 'and message');
is($r->{headers}{'interop-verdict'}, 'deny;rule=script.' . "\"$dir/here.lua\"" =~ s/"//gr . ';reason=because', 'told as the script\'s')
    or diag($r->{headers}{'interop-verdict'});
$r = send_text('known');
like($r->{body}, qr/Your organization has no licence for this\./, 'a declared reason has its message');

my $before = scalar @{ $t->upstream->requests };
$r = send_text('drop');
is($r->{status}, 202, 'drop');
is(scalar @{ $t->upstream->requests }, $before, 'nothing goes upstream');

$r = send_text('other');
is($r->{status}, 201, 'replace_text');
like(upstream()->{body}, qr/Something else/, 'upstream gets the text');
unlike(upstream()->{body}, qr/"other"/, 'and not the message');
like($r->{headers}{'interop-notice'} // '', qr/use-teams/, 'with a notice');

for my $bad ([ loop => qr/more (?:instructions|time) than its budget has/ ], [ bomb => qr/more (?:memory|time) than its budget has/ ],
    [ wrong => qr/a script returns deny\(\.\.\.\)/ ]) {
    my ($word, $said) = @$bad;
    $r = send_text($word);
    is($r->{status}, 403, "$word: denied");
    like($r->{headers}{'interop-verdict'}, qr/reason=script_failed/, 'since the script failed');
    like($t->error_log, $said, 'which the log says');
    $r = send_text('plain');
    is($r->{status}, 201, 'the next message goes through');
}

send_text('log');
like($t->error_log, qr/interop script "[^"]*here\.lua": a line and another jonas/, 'a script\'s line is in the log, as one');

# counters, by two workers
send_text('x', at => '/count') for 1 .. 8;
my @counts = $t->error_log =~ /count (\d+)/g;
is("@{[ sort { $a <=> $b } @counts ]}", '1 2 3 4 5 6 7 8', 'counters are those of all workers');

# a flood of counters: so many a request, and a zone that does not grow
my @flooded = map { send_text('x', at => '/flood')->{status} } 1 .. 250;
is(scalar(grep { $_ == 201 } @flooded), 250, 'a flood of counters stops no message');
like($t->error_log, qr/flood ends 32$|flood ends 32\b/m, 'a request has 32 of them');
like($t->request(GET => '/status', port => 'web')->{body}, qr/"evicted":[1-9]\d*/, 'the longest unused go');
is(send_text('go')->{status}, 201, 'and everything else goes on');
is(upstream()->{headers}{'x-seen'}, 'jonas deliver', 'as ever');

# a rewrite stands, though the script fails
$r = $t->teams(POST => "/here$MESSAGES", body => '{"body":{"contentType":"html","content":"<p><b>loop</b></p>"}}');
like($r->{headers}{'interop-verdict'}, qr/^placeholder;/, 'what the policy says stands if it is stricter than deliver');

# set aside
for (1 .. 300) { send_text('wrong'); last if $t->error_log =~ /set aside after/ }
like($t->error_log, qr/set aside after 10 failures in a row/, 'a script that fails and fails is set aside');
my %status;
for (1 .. 30) { $status{ send_text('plain')->{status} }++ }
ok($status{403}, 'its failure verdict holds for what it would have let pass');
is($status{201}, undef, 'in all workers: they count together') or diag(join ' ', %status);
is(() = $t->error_log =~ /set aside after/g, 1, 'and tell it once');
kill KILL => ($t->workers)[0];
$t->pump(sub { 2 == $t->workers }, 10);
%status = ();
for (1 .. 10) { my $s = eval { send_text('plain')->{status} } // 0; $status{$s}++ if $s }
is($status{201}, undef, 'a worker that takes another\'s place knows it') or diag(join ' ', %status);
ok($t->reload(wait => 1), 'reload');
is(send_text('plain')->{status}, 201, 'until the next reload');

my $s = $t->request(GET => '/status', port => 'web');
like($s->{body}, qr/"script_failures":[1-9]\d*/, 'failures are counted');
like($s->{body}, qr/"scripted":[1-9]\d*/, 'and changed verdicts');

# what a configuration says
$t->write('here.lua', "return function(event)\n  retrun 1\nend\n");
my ($code, $said) = $t->check_conf;
isnt($code, 0, 'nginx -t refuses a script that is wrong');
like($said, qr/script: \Q$dir\E\/here\.lua:2: syntax error near '1'\n  *retrun 1/, 'and says where');
kill HUP => $t->pid;
$t->pump(sub { $t->error_log =~ /\[emerg\] .*script:/ }, 10);
is(send_text('plain')->{status}, 201, 'a reload with it leaves the configuration as it was');
$t->write('here.lua', 'return function(event) return deny("new") end');
ok($t->reload(wait => 1), 'a script that is good again');
like(send_text('plain')->{body}, qr/"code":"new"/, 'is the new one');

$t->allow(qr/script|exited on signal 9/) if $t->can('allow');
$t->done_testing;
