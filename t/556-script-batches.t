#!/usr/bin/perl
# Scripts and requests that hold others: each item is judged with its script, by
# itself; what a script gives to one is no other's. And what the audit log and
# interopctl replay say of a message that a script has judged.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode encode);

InteropNginx->need;
plan skip_all => 'the Lua host is not built' unless -e dirname($InteropNginx::MODULE) . '/interop_lua.so';

my $t = InteropEdge->start(start => 0, http => '', locations => '');
my $dir = $t->dir;
$t->write('items.lua', <<'L');
local calls = 0
return function(event, verdict)
  calls = calls + 1
  log("item", event.text, calls, counter.incr("items", 60))
  local word = event.text
  if word == "go" then return set_header("X-Seen", event.sender.id) end
  if word == "deny" then return deny("because", "Not today.") end
  if word == "plain" then return plain_text() end
  if word == "drop" then return drop() end
  if word == "hold" then return placeholder("On hold") end
  if word == "other" then return replace_text("Something else"), notice("use-teams") end
  if word == "wrong" then return 1 end
  if word == "bomb" then local t = {} while true do t[#t + 1] = ("x"):rep(1000) end end
end
L
# a script of the policy, which may relax to plain_text, and one of a location, which may relax nothing
my $policy = "$dir/policy";
system('cp', '-r', "$InteropNginx::ROOT/conf.d", $policy) == 0 or die;
$t->write('policy/policies/mild.lua', <<'L');
return function(event, verdict)
  if event.client.country == "XA" and event.sender.systems[1] == "kaizala" then return deliver() end
  if event.client.country == "XB" then return plain_text() end
end
L
$t->write('policy/policies/mild.rules', <<'P');
policy mild between teams and kaizala {
    script mild "mild.lua" for message.send may relax to plain_text;
}
P
$t->write('mild.lua', 'return function(event) if event.client.country == "XC" then return deliver() end end');
$t->conf($t->front(policy => $policy, locations => <<'L'), workers => 1);
    location /mild/ { rewrite ^/mild(/.*) $1 break; proxy_pass http://%%UPSTREAM%%;
        interop_script mild.lua; interop_fact client.country $http_x_country; interop_audit_log %%DIR%%/logs/mild.log flush=20ms; }
    location /items/ { rewrite ^/items(/.*) $1 break; interop_script items.lua; proxy_pass http://%%UPSTREAM%%;
        interop_audit_log %%DIR%%/logs/audit.log flush=20ms; }
    location = /status { interop_status; }
L
InteropNginx::start($t);

my @words = qw(go deny plain drop hold other wrong bomb fine);
my $chat = $MESSAGES =~ s{^/v1\.0}{}r;
my @items = map { { id => $_, method => 'POST', url => $chat, headers => { 'Content-Type' => 'application/json' },
    body => { body => { contentType => 'text', content => $_ } } } } @words;
$t->upstream->answers({ status => 200, json => encode({ responses => [ map { { id => $_, status => 201, body => { id => '1' } } }
    qw(go plain hold other fine) ] }) });
my $r = $t->teams(POST => '/items/v1.0/$batch', body => encode({ requests => \@items }));
is($r->{status}, 200, 'a batch, each item with its script') or diag($r->{body});
my %got = map { $_->{id} => $_ } @{ decode($r->{body})->{responses} || [] };
my %want = (go => 201, deny => 403, plain => 201, drop => 202, hold => 201, other => 201, wrong => 403, bomb => 403, fine => 201);
is($got{$_}{status}, $want{$_}, "$_: $want{$_}") for @words;
is($got{deny}{body}{error}{code}, 'because', 'a denial has its reason');
is($got{deny}{body}{error}{message}, 'Not today.', 'and its message');
is($got{$_}{body}{error}{code}, 'script_failed', "$_: since the script failed") for qw(wrong bomb);
my ($sent) = grep { $_->{uri} =~ /batch/ } @{ $t->upstream->requests };
my %up = map { $_->{id} => $_ } @{ decode($sent->{body})->{requests} };
is(join(' ', sort keys %up), 'fine go hold other plain', 'upstream gets what is to go there');
is($up{go}{headers}{'X-Seen'}, 'jonas', 'a header that a script sets is its item\'s own');
is(scalar(grep { exists $up{$_}{headers}{'X-Seen'} } keys %up), 1, 'and no other item\'s');
ok(!exists $sent->{headers}{'x-seen'}, 'nor the whole request\'s');
is($up{other}{body}{body}{content}, 'Something else', 'replace_text');
is($up{hold}{body}{body}{content}, 'On hold', 'placeholder');
is($up{fine}{body}{body}{content}, 'fine', 'and what no script touched');
like($got{other}{headers}{'Interop-Notice'} // '', qr/use-teams/, 'a notice is its item\'s') or diag(encode($got{other}));
unlike($got{fine}{headers}{'Interop-Notice'} // '', qr/use-teams/, 'and no other\'s');
like($got{other}{headers}{'Interop-Verdict'} // '', qr/^plain_text;rule=script\./, 'so is the verdict');
my @calls = $t->error_log =~ /item (\w+ \d+ \d+)/g;
is(join(', ', @calls), join(', ', map { "$words[$_] 1 " . ($_ + 1) } 0 .. $#words), 'nothing is carried from one item to the next but counters');

# ------------------------------------------------------------------- replay

$t->upstream->answers({ status => 201, json => '{"id":"1"}' });
for my $word (qw(deny plain wrong fine)) {
    $t->teams(POST => "/items$MESSAGES", body => qq({"body":{"contentType":"text","content":"$word"}}));
}
my @lines;
$t->pump(sub { @lines = split /^/, $t->read_file('logs/audit.log'); @lines >= 5 });
is(scalar @lines, 5, 'each is told in the audit log');
like($lines[1], qr/"verdict":"deny","reason":"because","rule":"script\.[^"]*".*"script":\{"name":"[^"]*items\.lua","did":"tightened","policy_verdict":"deliver"/,
    'with the script, and what the policy says') or diag($lines[1]);
like($lines[3], qr/"script":\{"name":"[^"]*","did":"failed","error":"[^"]*a script returns/, 'and why it failed');
my ($status, $said) = $t->ctl('replay', $t->dir . '/logs/audit.log', '--policy', "$InteropNginx::ROOT/conf.d");
is($status, 0, 'replay by the same policy: nothing changes') or diag($said);
diag($said) if $ENV{VERBOSE};

# ------------------------- a relaxation that is refused, and one that is not

for my $country (qw(XA XB XC)) {
    $r = $t->teams(POST => "/mild$MESSAGES", body => $BOLD, headers => { 'X-Country' => $country });
    like($r->{headers}{'interop-verdict'}, $country eq 'XB' ? qr/^plain_text;rule=script\.mild;receipt/
        : qr/^placeholder;rule=teams_kaizala\.KT-16;reason=rich_text_unsupported/, "$country: what holds");
}
$t->pump(sub { @lines = split /^/, $t->read_file('logs/mild.log'); @lines >= 3 });
my @script = map { /("script":\{.*?\}),"recipient_count"/ ? $1 =~ s/"source":"[0-9a-f]{16}"/"source":"-"/gr =~ s/"instructions":\d+/"instructions":-/r : '' } @lines;
my $asked = sub { my ($mild, $own) = @_; return '"instructions":-,"asked":[{"name":"mild","source":"-"' . $mild
    . qq(},{"name":"$dir/mild.lua","source":"-"$own}],"facts":) };
is($script[0], '"script":{"name":"mild","did":"refused","error":"deliver in place of placeholder: it may relax to plain_text",'
    . '"policy_verdict":"placeholder",' . $asked->(',"gave":"deliver"', '') . '{"event.client.country":"XA","event.sender.systems":["kaizala","teams"]}}',
    'the record of a refusal: more than the policy grants');
is($script[1], '"script":{"name":"mild","did":"relaxed","policy_verdict":"placeholder","verdict":"plain_text",'
    . $asked->(',"gave":"plain_text"', '') . '{"event.client.country":"XB"}}', 'of what is granted');
is($script[2], qq("script":{"name":"$dir/mild.lua","did":"refused","error":"deliver in place of placeholder: it may relax nothing",)
    . '"policy_verdict":"placeholder",' . $asked->('', ',"gave":"deliver"') . '{"event.client.country":"XC"}}', 'of a location\'s');
like($t->request(GET => '/status', port => 'web')->{body}, qr/"script_refusals":2\b/, 'refusals are counted');
($status, $said) = $t->ctl('replay', "$dir/logs/mild.log", '--policy', $policy);
is($said, "3 requests, 3 recipients: 0 change, 0 cannot be told\n", 'replay gives the same');

$t->allow(qr/script/);
$t->done_testing;
