#!/usr/bin/perl
# interopctl import, export, tenant, user, conversation: what they print, word
# for word; what a bad file, a full store and a killed writer leave behind.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use List::Util qw(max);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time);

my $root = abs_path(dirname(__FILE__) . '/..');
my $ctl = ($ENV{T_BUILD} || "$root/build") . '/interopctl';
plan skip_all => "$ctl is not built" unless -x $ctl;

my $dir = tempdir(CLEANUP => 1);
chdir $dir or die "$dir: $!";
delete local $ENV{INTEROP_STORE};
delete local $ENV{LD_PRELOAD};

# exit code, standard output, standard error
sub run {
    my @args = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', 'out' or die;
        open STDERR, '>', 'err' or die;
        exec $ctl, @args or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, slurp('out'), slurp('err'));
}

sub slurp {
    my ($name) = @_;
    open my $f, '<', $name or return '';
    local $/;
    return scalar(<$f>) // '';
}

sub spew {
    my ($name, @lines) = @_;
    open my $f, '>', $name or die "$name: $!";
    print $f map { "$_\n" } @lines;
    close $f or die "$name: $!";
}

sub says {
    my ($args, $code, $out, $err, $name) = @_;
    my @got = run(@$args);
    $out //= $got[1];    # of no matter
    is_deeply(\@got, [$code, $out, $err], $name // join(' ', @$args)) or diag("got: @got");
}

my @store = ('--store', 'store');

# ------------------------------------------------------------------ wrong use

says(['tenant', 'list'], 2, '', "interopctl tenant: which store? give --store PATH or set INTEROP_STORE\n"
    . "  interopctl tenant --help tells how\n");
says(['tenant', 'list', @store], 1, '', "interopctl: store: there is no store\n  hint: interopctl import makes one\n");
says(['tenant', @store], 2, '', "interopctl tenant: which action? show, list, set or unset\n"
    . "  interopctl tenant --help tells how\n");
says(['user', 'sho', 'x', @store], 2, '', "interopctl user: no action \"sho\": show, list, set or unset\n"
    . "  interopctl user --help tells how\n");
says(['user', 'show', @store], 2, '', "interopctl user: show which user? give its id\n"
    . "  interopctl user --help tells how\n");
says(['user', 'show', 'a', 'b', @store], 2, '', "interopctl user: \"b\" is too much\n"
    . "  interopctl user --help tells how\n");
says(['user', 'set', 'a', 'mode', @store], 2, '', "interopctl user: \"mode\" is not FIELD=VALUE\n"
    . "  interopctl user --help tells how\n");
says(['user', 'set', 'a', @store], 2, '', "interopctl user: set what? give FIELD=VALUE\n"
    . "  interopctl user --help tells how\n");
says(['user', 'set', 'a', 'id=b', @store], 2, '', "interopctl user: field \"id\" cannot be set\n"
    . "  interopctl user --help tells how\n");
says(['user', 'unset', 'a', @store], 2, '', "interopctl user: unset what? give FIELD, or --all for the record\n"
    . "  interopctl user --help tells how\n");
says(['user', 'list', '--stor', 'x'], 2, '', "interopctl user: no option --stor; did you mean --store?\n"
    . "  interopctl user --help tells how\n");
says(['user', 'list', '--store'], 2, '', "interopctl user: --store wants a value\n"
    . "  interopctl user --help tells how\n");
says(['user', 'list', '--json=1'], 2, '', "interopctl user: --json takes no value\n"
    . "  interopctl user --help tells how\n");
says(['user', 'list', '--create', @store], 2, '', "interopctl user: --create does not go with that\n"
    . "  interopctl user --help tells how\n");
says(['import', @store], 2, '', "interopctl import: which file?\n  interopctl import --help tells how\n");
says(['import', 'x', '--size', '1q', @store], 2, '', "interopctl import: \"1q\" is not a size\n"
    . "  interopctl import --help tells how\n");
says(['export', '--kind', 'users', @store], 2, '', "interopctl export: no kind \"users\": tenant, user or conversation\n"
    . "  interopctl export --help tells how\n");
says(['exprt'], 2, '', "interopctl: no verb \"exprt\"; did you mean \"export\"?\n  interopctl --help lists them\n");
says(['import', 'nope.jsonl', @store], 1, '', "interopctl: nope.jsonl: No such file or directory\n");
for my $verb (qw(import export tenant user conversation)) {
    my ($code, $out, $err) = run($verb, '--help');
    ok($code == 0 && $out =~ /^usage: interopctl / && $err eq '', "$verb --help");
}

# ------------------------------------------------------------- there and back

my @lines = (
    '{"kind":"tenant","id":"3F1C","country":"IN","domains":["contoso.example"],"edition":{"teams_kaizala":"2019-04"},'
        . '"hybrid":false,"toggles":{"groups.bulk_add_max":3,"interop.kaizala_teams":"on"}}',
    '{"kind":"user","id":"Asha","aliases":["+919000000001","sip:asha@contoso.example"],"linked_account":true,"tenant":"3F1C"}',
    '{"kind":"user","id":"bela","display_name":"B\u00e9la \"B\""}',
    '{"kind":"conversation","id":"g-17","participants":["asha",{"user":"bela","joined":"2019-01-15T10:00:00Z"}],"started":false}',
);
(my $spelt = $lines[2]) =~ s/\\u00e9/\xc3\xa9/;
my $exported = join '', map { "$_\n" } $lines[0], $lines[1], $spelt, $lines[3];
spew('in.jsonl', $lines[3], '', $lines[2], " \t", $lines[1], $lines[0]);
says(['import', 'in.jsonl', @store], 0, "imported 1 tenant, 2 users, 1 conversation\n", '');
says(['export', @store], 0, $exported, '', 'exported by kind, then by id');
says(['export', '--kind', 'user', @store], 0, "$lines[1]\n$spelt\n", '');
says(['export', 'out.jsonl', @store], 0, '', '');
is(slurp('out.jsonl'), $exported, 'the same in a file');
ok(!-e 'out.jsonl.part', 'and no other file');
says(['import', 'out.jsonl', '--json', '--store=again'], 0, "{\"tenants\":1,\"users\":2,\"conversations\":1}\n", '');
says(['export', '--store=again'], 0, $exported, '', 'import and export change nothing');
says(['import', 'out.jsonl', @store], 0, "imported 1 tenant, 2 users, 1 conversation\n", '', 'a second time');
says(['export', @store], 0, $exported, '', 'changes nothing, either');
{
    local $ENV{INTEROP_STORE} = 'store';
    says(['user', 'list'], 0, "Asha\nbela\n", '', 'the store from the environment');
}

# a fact `kind` leaves the record's own kind to `record`
spew('kinds.jsonl', '{"record":"user","id":"voice","kind":"service"}');
says(['import', 'kinds.jsonl', '--store=kinds'], 0, "imported 0 tenants, 1 user, 0 conversations\n", '');
says(['export', '--store=kinds'], 0, qq({"record":"user","id":"voice","kind":"service"}\n), '', 'a fact named kind');
says(["user", "set", "voice", "kind=bot", "--store=kinds"], 0, "user voice: kind = bot (was service)\n", "");
says(['export', '--store=kinds'], 0, qq({"record":"user","id":"voice","kind":"bot"}\n), '', 'is set like others');

# ---------------------------------------------------------------- single facts

says(['tenant', 'show', '3f1c', @store], 0, <<'END', '');
tenant 3F1C
  country                            IN
  domains                            contoso.example
  edition.teams_kaizala              2019-04
  hybrid                             false
  toggles.groups.bulk_add_max        3
  toggles.interop.kaizala_teams      on
END
says(['conversation', 'show', 'g-17', @store], 0, <<'END', '');
conversation g-17
  participants                       asha, bela (2019-01-15T10:00:00Z)
  started                            false
END
says(['user', 'show', 'SIP:Asha@contoso.example', '--json', @store], 0, "$lines[1]\n", '', 'by an alias in another case');
says(['user', 'show', 'nobody', @store], 1, '', "interopctl: no user \"nobody\" in store\n");
says(['user', 'list', '--json', @store], 0, "$lines[1]\n$spelt\n", '');
says(['tenant', 'set', '3f1c', 'toggles.interop.kaizala_teams=off', @store], 0,
    "tenant 3F1C: toggles.interop.kaizala_teams = off (was on)\n", '', 'a toggle is flipped');
says(['tenant', 'set', '3f1c', 'hybrid=true', 'toggles.groups.bulk_add_max=-7', 'domains+=b.example', 'domains+=b.example',
      'domains-=contoso.example', 'plan=o365', @store], 0, <<'END', '', 'several facts in one step');
tenant 3F1C: hybrid = true (was false)
tenant 3F1C: toggles.groups.bulk_add_max = -7 (was 3)
tenant 3F1C: domains = b.example (was contoso.example)
tenant 3F1C: plan = o365 (was unset)
END
says(['tenant', 'set', '3f1c', 'country+=IN', @store], 1, '', "interopctl: tenant: field \"country\" is not a list\n");
says(['tenant', 'set', '3f1c', 'x:=[1]', @store], 1, '', "interopctl: tenant: x: member \"x\" is a list with an item that is"
    . " neither a text nor an object of two texts named as in the items before\n");
says(['tenant', 'set', '3f1c', 'x:={', @store], 1, '', "interopctl: tenant: x: column 2: not valid JSON: unexpected end of data\n");
says(['tenant', 'unset', '3f1c', 'hybrid', 'plan', @store], 0,
    "tenant 3F1C: hybrid unset (was true)\ntenant 3F1C: plan unset (was o365)\n", '');
says(['user', 'set', 'chitra', 'mode=Islands', @store], 1, '', "interopctl: no user \"chitra\" in store\n  hint: --create makes it\n");
says(['user', 'set', 'chitra', 'display_name:="42"', 'systems:=["teams","kaizala"]', '--create', '--json', @store], 0,
    "{\"kind\":\"user\",\"id\":\"chitra\",\"display_name\":\"42\",\"systems\":[\"teams\",\"kaizala\"]}\n", '');
says(['user', 'set', 'chitra', 'aliases+=+919000000001', @store], 1, '',
    "interopctl: user \"chitra\": alias \"+919000000001\" is already an alias of user \"Asha\"\n");
says(['user', 'set', 'chitra', 'aliases+=ASHA', @store], 1, '',
    "interopctl: user \"chitra\": alias \"ASHA\" is the id of another user\n");
says(['user', 'unset', 'Asha', 'aliases', @store], 0,
    "user Asha: aliases unset (was +919000000001, sip:asha\@contoso.example)\n", '');
says(['user', 'set', 'chitra', 'aliases+=+919000000001', @store], 0,
    "user chitra: aliases = +919000000001 (was unset)\n", '', 'an alias that is free again');
says(['user', 'unset', '+919000000001', '--all', @store], 0, "user +919000000001: removed\n", '', 'a record by its alias');
says(['user', 'show', 'chitra', @store], 1, '', "interopctl: no user \"chitra\" in store\n", 'is gone');
says(['user', 'set', 'esc', "display_name=\e[31mred", '--create', @store], 0,
    "user esc: display_name = \\u001b[31mred (was unset)\n", '', 'a text does not colour a terminal');

# root could put a file in the place of a device: never
POSIX::mkfifo('pipe', 0600) or die "pipe: $!";
says(['export', 'pipe', @store], 1, '', "interopctl: pipe: it is not a file\n", 'an export takes no pipe\'s place');
says(['compile', "$root/conf.d", '-o', 'pipe'], 1, '', "interopctl: pipe: it is not a file\n", 'nor does an image');
ok(-p 'pipe', 'it is one still');
says(['export', '.', @store], 1, '', "interopctl: .: Is a directory\n");

spew('place.jsonl', '{"kind":"tenant","id":"t"}');
says(['import', 'place.jsonl', '--store', '/proc/none/store'], 1, '', "interopctl: /proc/none/store: cannot be made: No such file or directory\n",
    'a store that cannot be made: no hint to make one');

# what no policy asks for is set, and told: a toggle that is misspelt turns nothing off
{
    my $pack = "$root/conf.d";
    my @by = ('--policy', $pack, @store);
    my $no = sub { "interopctl: warning: the policy $pack has no fact \"$_[0]\" of a $_[1]\n" };
    my $other = sub { "interopctl: warning: the policy $pack takes $_[0]: of another value nothing is known\n" };
    says(['tenant', 'set', '3f1c', 'toggles.interop.kaizla_teams=off', @by], 0,
        "tenant 3F1C: toggles.interop.kaizla_teams = off (was unset)\n",
        $no->('toggles.interop.kaizla_teams', 'tenant') . "  hint: did you mean \"toggles.interop.kaizala_teams\"?\n", 'a toggle that is none');
    says(['tenant', 'set', '3f1c', 'colour=red', 'toggles.interop.kaizala_teams=of', @by, '--json'], 0, undef,
        $no->('colour', 'tenant') . $other->('"toggles.interop.kaizala_teams" as unset, on or off'), 'a fact that is none, a value that is none');
    says(['tenant', 'set', '3f1c', 'hybrid=yes', 'plan=365', 'plan_since=soon', 'toggles.groups.bulk_add_max=many', 'domains=a.example', @by], 0, undef,
        join('', map { $other->($_) } '"hybrid" as a flag, true or false', '"plan" as a text, plan:=\'"..."\'',
            '"plan_since" as a time, 2019-01-15 or 2019-01-15T10:00:00Z', '"toggles.groups.bulk_add_max" as a number',
            '"domains" as a list, domains+=ITEM'), 'values of other types');
    says(['tenant', 'set', '3f1c', 'hybrid=true', 'plan=o365', 'plan_since=2019-01-15', 'toggles.groups.bulk_add_max=7', 'domains:=["a.example"]',
        'toggles.interop.kaizala_teams=off', @by], 0, undef, '', 'values as they are declared');
    says(['tenant', 'unset', '3f1c', 'toggles.interop.kaizla_teams', 'colour', 'plan_since', @store], 0, undef, '', 'what is taken away is no mistake');
    says(['user', 'set', 'esc', 'aliases+=esc-1', 'tenant=3f1c', 'reads_on=teams', 'systems+=teams', @by], 0, undef, '', "the engine's own facts of a user");
    says(['conversation', 'set', 'g-17', 'aliases+=g-17-alias', 'participants+=esc', 'tenant=3f1c', @by], 0, undef, '', '... and of a conversation');
    says(['conversation', 'unset', 'g-17', 'aliases', 'tenant', @store], 0, undef, '');
    says(['tenant', 'set', '3f1c', 'colour=red', '--policy', 'nowhere', @store], 1, '', "interopctl: nowhere: No such file or directory\n",
        'a policy that is not there');
    is((run('compile', $pack, '-o', 'pack.img'))[0], 0, 'an image');
    says(['tenant', 'set', '3f1c', 'hybrid=yes', 'toggles.interop.kaizala_teams=off', 'toggles.groups.invite_scope=all', '--policy', 'pack.img', @store],
        0, undef, join('', map { $other->($_) =~ s/\Q$pack\E/pack.img/r } '"hybrid" as a flag, true or false', '"toggles.groups.invite_scope" as any or org'),
        'an image tells the same');
    run('tenant', 'unset', '3f1c', 'colour', @store);
}

# -------------------------------------------------------------------- bad input

my $before = (run('export', @store))[1];
sub bad {
    my ($line, $message, $name) = @_;
    spew('bad.jsonl', '{"kind":"user","id":"before"}', '', $line, '{"kind":"user","id":"after"}');
    for my $store ('store', 'fresh') {
        says(['import', 'bad.jsonl', '--store', $store], 1, '',
            "interopctl: bad.jsonl:3: $message\n  nothing of the file was imported\n", "$name ($store)");
    }
    is((run('export', @store))[1], $before, '... and nothing is') if $name =~ /comma|alias/;
}
bad('{"kind":"user","id":"x",}', 'column 24: not valid JSON: trailing comma is not allowed', 'a comma too many');
bad('{"kind":"user","id":"x"', 'column 24: not valid JSON: unexpected end of data', 'half a line');
bad('["user"]', 'not an object', 'no object');
bad('{"kind":"user"}', 'member "id" is missing', 'no id');
bad('{"id":"x"}', 'member "kind" must be "tenant", "user", "conversation", "message" or "call"', 'no kind');
bad('{"kind":"message","id":"x"}', 'kind "message" is not kept in the store; tenant, user and conversation are', 'a message');
bad('{"kind":"user","id":"x","n":1.5}', 'member "n" is not a whole number of 64 bits', 'a fraction');
bad('{"kind":"user","id":"x","n":1,"n":2}', 'member "n" is given twice', 'a member twice');
bad('{"kind":"user","id":"BEFORE"}', 'this user is in line 1 already', 'a user twice');
bad('{"kind":"user","id":"x","aliases":["Before"]}', 'user "x": alias "Before" is the id of another user', 'an alias that is an id');
spew('bad.jsonl', '{"kind":"user","id":"a","aliases":["z"]}', '{"kind":"user","id":"b","aliases":["Z"]}');
says(['import', 'bad.jsonl', @store], 1, '', "interopctl: bad.jsonl:2: user \"b\": alias \"Z\" is already an alias of user \"a\"\n"
    . "  nothing of the file was imported\n");
spew('small.jsonl', map { '{"kind":"user","id":"u' . $_ . '","display_name":"' . 'x' x 1000 . '"}' } 1 .. 2000);
says(['import', 'small.jsonl', '--store', 'small', '--size', '1m'], 1, '', "interopctl: small: the store is full (1024 KiB);"
    . " nothing was changed\n  hint: open it with a larger size; it grows without a restart\n  nothing of the file was imported\n",
    'a store that is too small');
says(['import', 'small.jsonl', '--store', 'small', '--size', '16m'], 0, "imported 0 tenants, 2000 users, 0 conversations\n", '',
    'and then is not');
{
    open my $f, '+<', 'small/data.mdb' or die;
    truncate $f, 100_000;
    close $f;
    my ($code, $out, $err) = run('user', 'list', '--store', 'small');
    is($code, 1, 'a store that was cut');
    like($err, qr{^interopctl: small: the store is damaged: page \d+ of data\.mdb is not there\n  hint: put a copy in its place, or move it away and import again\n$},
        'is told to be damaged');
}

# ------------------------------------------------------------------- kill -9

# A writer sets one fact after the other, and writes each to a file once the
# command has returned; it is killed anywhere.
sub writer {
    my ($round) = @_;
    setpgrp 0, 0;
    open my $log, '>>', 'acknowledged' or POSIX::_exit(1);
    $log->autoflush(1);
    open STDOUT, '>', '/dev/null';
    for my $n (1 .. 1000) {
        system($ctl, 'conversation', 'set', "c-$round-$n", 'started=true', "aliases+=alias-$round-$n",
            '--create', '--store', 'killed') == 0 or last;
        print $log "c-$round-$n\n";
    }
    POSIX::_exit(0);
}

# killed within the time that a few writes take, however slow the machine is
my $one = time;
run('conversation', 'show', 'nobody', '--store', 'killed');
$one = max(0.01, time - $one);
my ($rounds, $lost, $unopened, $torn) = ($ENV{T_KILLS} || 100, 0, 0, 0);
for my $round (1 .. $rounds) {
    my $pid = fork // die "fork: $!";
    writer($round) if !$pid;
    select undef, undef, undef, $one * (0.3 + rand 3);
    kill 'KILL', -$pid or kill 'KILL', $pid;
    waitpid $pid, 0;
    my ($code, $out, $err) = run('export', '--store', 'killed');
    if ($code != 0) {
        next if $err =~ /there is no store/ && !-s 'acknowledged';
        $unopened++;
        diag($err);
        next;
    }
    my %there = map { /"id":"([^"]*)","aliases":\["([^"]*)"\],"started":true/ ? ($1 => $2) : () } split /\n/, $out;
    my $records = () = $out =~ /\n/g;
    $torn += keys(%there) != $records;
    $lost += grep { !$there{$_} } split /\n/, slurp('acknowledged');
}
my $count = () = slurp('acknowledged') =~ /\n/g;
cmp_ok($count, '>', 0, "a writer killed $rounds times, $count changes acknowledged");
is($unopened, 0, 'the store opens every time');
is($lost, 0, 'every acknowledged change is there');
is($torn, 0, 'no change is there by half');
# killed before it was acknowledged, the first one may be there or not
my ($missing) = run('conversation', 'show', 'c-1-1', '--store', 'killed');
says(['conversation', 'show', 'alias-1-1', '--store', 'killed'],
    !$missing ? (0, "conversation c-1-1\n  aliases                            alias-1-1\n"
        . "  started                            true\n", '') : (1, '', "interopctl: no conversation \"alias-1-1\" in killed\n"),
    'and found by alias');

# an import that is killed leaves all or nothing
spew('import.jsonl', map { qq({"kind":"user","id":"k$_","aliases":["l$_"]}) } 1 .. 20000);
my ($none, $all, $part) = (0, 0, 0);
for my $round (1 .. 10) {
    system('rm', '-rf', 'half');
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        exec $ctl, 'import', 'import.jsonl', '--store', 'half' or POSIX::_exit(127);
    }
    select undef, undef, undef, 0.02 * $round;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    my ($code, $out, $err) = run('user', 'list', '--store', 'half');
    my $users = () = $out =~ /\n/g;
    if ($users == 0 && ($code == 0 || $err =~ /there is no store/)) { $none++ }
    elsif ($users == 20000) { $all++ }
    else { $part++; diag("$code $users $err") }
}
is($part, 0, "an import killed ten times: $none left nothing, $all all");

chdir '/';
done_testing();
