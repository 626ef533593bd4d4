#!/usr/bin/perl
# What the audit record tells of scripts, and interopctl replay of that: each
# example's verdict comes out again from its record alone, another script's
# verdict is told, and nothing is guessed. The refusal of a relaxation, by exact
# text, in the record and in explain. Budgets that a policy has set.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropJSON qw(decode encode);

my $root = abs_path(dirname(abs_path(__FILE__)) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my $ctl = "$build/interopctl";
plan skip_all => 'interopctl is not built' unless -x $ctl;
plan skip_all => 'the Lua host is not built' unless -e "$build/interop_lua.so";

sub run {
    my $pid = open my $out, '-|' // die;
    if (!$pid) { open STDERR, '>&', \*STDOUT; exec @_ or exit 127 }
    local $/;
    my $text = <$out> // '';
    close $out;
    return ($? >> 8, $text);
}
sub slurp { my ($f) = @_; open my $h, '<:raw', $f or return ''; local $/; return scalar(<$h>) // '' }
my $dir = tempdir('interop-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
sub put { my ($name, $text) = @_; open my $h, '>', "$dir/$name" or die; print {$h} $text; close $h; return "$dir/$name" }

# ---------------------------------------------------------- what is recorded

my $rules = "$root/t/lua/examples.rules";
my $log = "$dir/audit.log";
my ($status, $out) = run($ctl, 'test', '--policy', $rules, '--audit', $log, "$root/t/lua/examples.json");
is($status, 0, 'the examples\' cases, with a record of each request') or diag($out);
my @lines = split /^/, slurp($log);
my %script;
for my $line (@lines) {
    my ($it) = $line =~ /("script":\{.*?\}),"recipient_count"/ or next;
    my ($name) = $it =~ /"name":"(\w+)"/;
    push @{ $script{$name} }, $it =~ s/"source":"[0-9a-f]{16}"/"source":"-"/gr =~ s/"instructions":\d+/"instructions":-/r;
}
is((grep { /"value":6/ } @{ $script{quota} })[0], '"script":{"name":"quota","did":"tightened","policy_verdict":"placeholder","verdict":"deny","reason":"file_quota",'
    . '"instructions":-,"asked":[{"name":"quota","source":"-","gave":"deny","reason":"file_quota"}],"facts":{"event.sender.id":"jonas"},'
    . '"counters":[{"name":"files jonas","value":6}]}', 'facts and counters');
is($script{redirect}[0], '"script":{"name":"redirect","did":"tightened","policy_verdict":"placeholder","verdict":"placeholder",'
    . '"instructions":-,"asked":[{"name":"redirect","source":"-","gave":"placeholder"}],"facts":{"event.recipients[1].country":"DE"}}',
    'a recipient\'s');
is($script{vip}[0] =~ /"facts":(\{.*?\})/ && $1, '{"event.conversation.id":"g-board"}', 'the conversation\'s');
is($script{words}[0], '"script":{"name":"words","did":"tightened","policy_verdict":"deliver","verdict":"deny","reason":"confidential",'
    . '"instructions":-,"asked":[{"name":"words","source":"-","gave":"deny","reason":"confidential"}],"facts":{"event.sender.id":"jonas"}}',
    'but not the text');
unlike(join('', @lines), qr/bluebird|nicht unterst/i, 'which is nowhere, nor what a script wrote');
is($script{beyond}[0], '"script":{"name":"beyond","did":"refused","error":"deliver in place of placeholder: it may relax nothing",'
    . '"policy_verdict":"placeholder","instructions":-,"asked":[{"name":"beyond","source":"-","gave":"deliver"}],"facts":{}}',
    'a refusal, and what was tried');
is(join("\n", map { /"error":"(.*?)"/ ? $1 : () } @{ $script{relax} }),
    join("\n", ('plain_text in place of deny: a denial that no script may relax holds') x 3), 'a denial that is final');

# ------------------------------------------------------------ decided again

my $n = @lines;
($status, $out) = run($ctl, 'replay', '--policy', $rules, $log);
is($out, "$n requests, $n recipients: 0 change, 0 cannot be told\n", 'every example gives from its record what it gave');
is($status, 0, 'which is good');

# ... also without what they gave: it is not taken from there but where it must
put('bare.log', join '', map { s/"gave":"\w+"/"gave":"drop"/gr } grep { !/"name":"(?:words|fail)"/ } @lines);
my $bare = grep { !/"name":"(?:words|fail)"/ } @lines;
($status, $out) = run($ctl, 'replay', '--policy', $rules, "$dir/bare.log");
is($out, "$bare requests, $bare recipients: 0 change, 0 cannot be told\n", 'they were asked');

# the same policies with other scripts
sub changed {
    my ($name, $change) = @_;
    my $text = slurp($rules) =~ s{"\.\./\.\./}{"$root/}gr;
    $text =~ s/script (\w+) "(\w+\.lua)"/script $1 "$root\/t\/lua\/$2"/g;
    my ($file) = $text =~ /script \Q$name\E "([^"]+)"/ or die;
    my $lua = slurp($file);
    $change->($lua);
    $text =~ s/script \Q$name\E "[^"]+"/script $name "$name.lua"/;
    put("$name.lua", $lua);
    put("$name.rules", $text);
    return (run($ctl, 'replay', '--policy', "$dir/$name.rules", $log))[1];
}
sub first_of { my ($p) = @_; for my $i (0 .. $#lines) { return $i + 1 if $lines[$i] =~ $p } return 0 }
my $first = first_of(qr/"files jonas","value":5/);
is(changed(quota => sub { $_[0] =~ s/> 5/> 4/ }), "$n requests, $n recipients: 1 change, 0 cannot be told\n"
    . "       1  message.send attachment teams, by scripts: placeholder attachment_unsupported => deny file_quota  (script.quota)\n"
    . "          first: $log:$first\n", 'a smaller quota, by the counters of that day');
$first = first_of(qr/"name":"words"/);
like(changed(words => sub { $_[0] =~ s/"Osprey"/"Heron"/ }), qr/^\Q$n requests, $n recipients: 0 change, 3 cannot be told\E$/m,
    'a script that reads the text, and is another one, cannot be told');
like(changed(words => sub { $_[0] =~ s/"Osprey"/"Heron"/ }),
    qr/deny confidential => \? it hangs on event\.text, which was not recorded\n +first: \Q$log:$first\E$/m, 'and why not');
$first = first_of(qr/"event\.conversation\.id":"g-board"/);
like(changed(vip => sub { $_[0] =~ s/event\.conversation\.id\]/event.sender.id]/ }),
    qr/plain_text => \? it hangs on event\.sender\.id, which was not recorded\n +first: \Q$log:$first\E$/m, 'so is a fact that nobody read');
like(changed(vip => sub { $_[0] =~ s/return plain_text/return deliver/ }),
    qr/plain_text => placeholder rich_text_unsupported\n +first: \Q$log:$first\E$/m, 'what may not be relaxed is not');
like(changed(quota => sub { $_[0] =~ s/"files "/"other "/ }), qr/it hangs on the counter "other jonas", which was not recorded/, 'another counter');

# ------------------------------------------------- a refusal, in explain too

my ($beyond) = slurp("$root/t/lua/examples.json") =~ /^  (\{"id": "LUA-beyond", .*\}),?$/m;
my $case = put('beyond.json', $beyond);
($status, $out) = run($ctl, 'explain', '--policy', $rules, $case);
is($out =~ /^(script .*\n(?: .*\n)*)/m && $1, "script      beyond refused: deliver in place of placeholder: it may relax nothing\n"
    . "            the policy's verdict is placeholder rich_text_unsupported by teams_kaizala.KT-16\n",
    'explain tells the refusal');
($status, $out) = run($ctl, 'explain', '--json', '--policy', $rules, $case);
is($out =~ /("script":\{.*?\})/ && $1, '"script":{"name":"beyond","did":"refused","error":"deliver in place of placeholder: it may relax nothing",'
    . '"policy_verdict":"placeholder","policy_reason":"rich_text_unsupported","policy_rule":"teams_kaizala.KT-16"}', 'and for programs');

# ------------------------------------------- budgets that a policy has set

my %heavy = (
    'instructions 2000' => [ 'for i = 1, 1e4 do end', 'instructions' ],
    'memory 128k' => [ 'local t = {} for i = 1, 5000 do t[i] = {} end', 'memory' ],
    'time 1ms instructions 10000000' => [ 'while true do end', 'time' ],
    'output 1k' => [ 'for i = 1, 20 do log(("x"):rep(100)) end', 'output' ],
);
my ($words) = slurp("$root/t/lua/examples.json") =~ /^  (\{"id": "LUA-words".*\}),$/m;
$words =~ s/,?\s*"expect": \{.*?\}\}(?=[\],])/}/g;
put('light.json', "[$words]");
my @want;
for my $budget (sort keys %heavy) {
    my ($body, $what) = @{ $heavy{$budget} };
    put('heavy.lua', "return function(event) $body end\n");
    my $text = slurp($rules) =~ s{"\.\./\.\./}{"$root/}gr =~ s/^policy x_.*//msr;
    for my $own ('', $budget) {
        put('heavy.rules', $text . "policy x for tenant \"0a6d5f10-0000-4000-8000-00000000e002\" between teams and kaizala {\n"
            . "    script heavy \"heavy.lua\" for message.send $own;\n}\n");
        run($ctl, 'test', '--policy', "$dir/heavy.rules", '--audit', "$dir/heavy.log", "$dir/light.json");
        my ($first) = split /\n/, slurp("$dir/heavy.log");
        my ($did, $error) = $first =~ /"did":"(\w+)"(?:,"error":"(.*?)")?,"policy_verdict":"deliver"/;
        my $line = $what eq 'memory' ? '' : ':1';
        if ($own) { is("$did: " . ($error // ''), "failed: $dir/heavy.lua$line: more $what than its budget has", "$own: it binds") }
        elsif ($what ne 'time') { is($did, 'kept', "$what: the default is larger") }
        else { is($error, "$dir/heavy.lua:1: more instructions than its budget has", 'time: other budgets bind before') }
    }
}

done_testing;
