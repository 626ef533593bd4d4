#!/usr/bin/perl
# interopctl: --json and --help on every verb, a place on the man page for each,
# exit codes; what explain tells of a tenant's own rules.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp spew copy_policy edit);
use InteropJSON qw(decode encode);

plan skip_all => "$CTL is not built" unless -x $CTL;

my @verbs = (run('--help'))[1] =~ /^  (\w+) {2,}/mg;
cmp_ok(scalar @verbs, '>=', 15, 'verbs');
my $man = slurp("$ROOT/rules/ctl/interopctl.1") =~ s/\\-/-/gr;
for my $verb (@verbs) {
    my ($code, $help, $err) = run($verb, '--help');
    is("$code$err", '0', "$verb --help is good");
    like($help, qr/^usage: interopctl (?:$verb|KIND|tenant)\b/, "$verb --help: how it is used");
    like($help, qr/^  --json\b/m, "$verb --help: --json");
    like($man, qr/interopctl (?:[\w|\\f]*\|)?$verb\b|\b$verb\b/, "$verb is on the man page");
    my (undef, undef, $said) = run($verb, '--jsn');
    like($said, qr/^interopctl $verb: no option --jsn(?:; did you mean --json\?)?\n/, "$verb: an unknown option");
    is((run($verb, '--jsn'))[0], 2, "$verb: is wrong use");
}

# ------------------------------------------------------------- what they say

sub json { my ($out, $name) = @_; my $v = eval { decode($out) }; ok(defined $v, "$name: JSON") or diag($out); return $v // {} }

my ($code, $out, $err) = run('compile', "$ROOT/conf.d", '-o', 'a.img', '--json');
my $v = json($out, 'compile');
is("$code $v->{image} $v->{bytes}", '0 a.img ' . -s "$DIR/a.img", 'compile --json');
is($v->{revision}, json((run('check', 'a.img', '--json'))[1], 'check')->{revision}, 'its revision is the one that check tells');

spew('bad.rules', "policy p {\n");
($code, $out, $err) = run('check', 'bad.rules', '--json');
is($code, 1, 'check --json of what is wrong: exit 1');
is($out, '{"error":{"file":"bad.rules","line":1,"column":1,"message":"the block of this statement is not closed",'
    . '"hint":"\'}\' is missing before the end of the file"}}' . "\n", 'the error for programs');
like($err, qr/^bad\.rules:1:1: the block of this statement is not closed\n/, 'and for people');
is((run('compile', 'bad.rules', '-o', 'b.img', '--json'))[1], $out, 'compile tells the same');
ok(!-e "$DIR/b.img", 'and makes none');
is((run('check', 'none', '--json'))[1], qq({"error":{"message":"none: No such file or directory"}}\n), 'an error without a place');

copy_policy('p');
is(join('', run('fmt', '--json', '--check', 'p')), qq(0{"files":[]}\n), 'fmt --json: nothing to do');
edit('p/vocabulary.rules', qr/^system /m, "   system ");
is(join('', run('fmt', '--json', '--check', 'p')), qq(1{"files":["p/vocabulary.rules"]}\n), 'fmt --json: a file');
is((run('fmt', '--json', '-'))[2], "interopctl fmt: --json tells files: standard input is none\n  interopctl fmt --help tells how\n", 'fmt --json -');

my $given = '{"now":"2019-02-04T09:30:00Z","tenants":[{"id":"t-1","country":"IN"}],"users":[
    {"id":"mira","tenant":"t-1","systems":["kaizala","teams"],"linked_account":true,"reads_on":"kaizala"},
    {"id":"jonas","tenant":"t-1","systems":["teams","kaizala"],"reads_on":"teams"}],
    "conversations":[{"id":"g-1","type":"one_on_one","participants":["mira","jonas"],"started":true}]}';
sub case {
    my ($expect, $api) = @_;
    return qq({"id":"c-$expect","given":$given,"steps":[{"api":"$api","sender":"jonas","request":{"method":"POST","uri":"/v1.0/chats/g-1/messages",
        "headers":{"content-type":"application/json"},"json":{"body":{"contentType":"text","content":"Gate 3"}}},"expect":{"verdict":"$expect"}}]});
}
spew('cases.json', '[' . join(',', case('deliver', 'graph'), case('drop', 'graph'), case('deny', 'pager')) . ']');
($code, $out) = run('test', '--json', 'cases.json');
$v = json($out, 'test');
is("$code $v->{passed} $v->{failed} $v->{skipped} " . @{ $v->{cases} }, '1 1 1 1 2', 'test --json: the counts') or diag $out;
is("$v->{cases}[0]{id} $v->{cases}[0]{step} " . ($v->{cases}[0]{failed} =~ s/;.*//r), 'c-drop 1 verdict: expected drop, got deliver', 'what failed');
is("$v->{cases}[1]{id}", 'c-deny', 'what was skipped');
like($v->{cases}[1]{skipped}, qr/pager/, 'and why');
is((run('test', '--json', '--verbose', 'cases.json'))[0], 2, 'two forms at a time');

SKIP: {
    skip 'the Lua host is not built', 3 unless -e ($ENV{T_BUILD} || "$ROOT/build") . '/interop_lua.so';
    spew('s.lua', "return function(event) log('seen') return deny('no', 'Never.') end\n");
    spew('bad.lua', "return function(\n");
    ($code, $out) = run('lua', 'check', '--json', 's.lua', 'bad.lua');
    is("$code$out", qq(1{"file":"s.lua","good":true}\n{"file":"bad.lua","good":false}\n), 'lua check --json');
    spew('event.json', case('deliver', 'graph'));
    ($code, $out, $err) = run('lua', 'run', 's.lua', '--event', 'event.json', '--json');
    $v = json($out, 'lua run');
    is("$code " . join(' ', map { $v->{$_} // '-' } qw(verdict reason policy_verdict did error)), '0 deny no deliver tightened -', 'lua run --json');
    like($err, qr/seen/, 'what it logged is told beside it');
}
run('import', '--create', '--store', 'store', spew('f.jsonl', qq({"kind":"tenant","id":"t-1"}\n)));
is((run('export', '--json', '--store', 'store'))[1], (run('export', '--store', 'store'))[1], 'export --json');

# ----------------------------------------------- explain and a tenant's own rules

copy_policy('own');
spew('own/policies/own.rules', 'policy own for tenant "t-1" between teams and kaizala {
    gate for message.send { deny interop_disabled  when sender.display_name == Jonas and recipient.country == KE  [OWN]; }
}
');
spew('one.json', '[' . case('deliver', 'graph') . ']');
($code, $out) = run('explain', 'one.json', '--policy', 'own');
like($out, qr/^    the tenant t-1 has rules of its own\n    sender\.display_name unknown\n    recipient\.country is not KE\n/m, 'what they looked at') or diag $out;
like($out, qr/^facts missing\n    sender\.display_name\n/m, 'what is missing for them');
like($out, qr/^    sender\.tenant\.id = t-1$/m, 'and whose they are');
is((grep { /the tenant .* has rules/ } split /\n/, (run('explain', 'one.json', '--policy', "$ROOT/conf.d"))[1]), 0, 'nobody else is told so');
done_testing();
