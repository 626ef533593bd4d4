#!/usr/bin/perl
# Scripts without nginx: the examples, each by cases; interopctl lua; what the
# compiler says of the statement; the reference page against the code.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl;

my $root = abs_path(dirname(abs_path(__FILE__)) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my $ctl = "$build/interopctl";
plan skip_all => 'interopctl or the Lua host is not built' unless -x $ctl && -e "$build/interop_lua.so";

sub run {
    my @command = @_;
    open my $h, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die;
    local $/;
    my $out = <$h> // '';
    close $h;
    return ($? >> 8, $out);
}
sub slurp { my ($f) = @_; open my $h, '<:raw', $f or return ''; local $/; return scalar(<$h>) // '' }
my $dir = tempdir('interop-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
sub put { my ($name, $text) = @_; open my $h, '>', "$dir/$name" or die; print {$h} $text; close $h; return "$dir/$name" }

# ------------------------------------------------------------------- examples

my ($status, $out) = run($ctl, 'test', '--policy', "$root/t/lua/examples.rules", "$root/t/lua/examples.json");
is($status, 0, 'the examples\' cases') or diag($out);
my $rules = slurp("$root/t/lua/examples.rules");
for my $file (glob "$root/lua/examples/*.lua") {
    my $name = basename($file);
    like($rules, qr/\Q$name\E"/, "$name has cases");
    ($status, $out) = run($ctl, 'lua', 'check', $file);
    is($out, "$file: good\n", "$name is checked");
}

# ------------------------------------------------------------- interopctl lua

my $bad = put('bad.lua', "local x = 1\nreturn function(event)\n  if x the return end\nend\n");
($status, $out) = run($ctl, 'lua', 'check', $bad);
is($status, 1, 'a script that is wrong');
is($out, "$bad:3: 'then' expected near 'the'\n    if x the return end\n", 'file, line, and the line');

my ($event) = slurp("$root/t/lua/examples.json") =~ /^  (\{"id": "LUA-words".*\}),$/m;
$event = put('event.json', $event);
my $script = put('s.lua', "return function(event) log(event.text, 2) return deny('no', 'Never.') end\n");
($status, $out) = run($ctl, 'lua', 'run', $script, '--event', $event, '--policy', "$root/conf.d");
is($status, 0, 'a script on an event');
like($out, qr/^log s\.lua: Is BLUEBIRD ready\? 2\nverdict       deny no \(script\.s\.lua\)\npolicy        deliver \(teams_kaizala\.KT-14\)\nscript        tightened\ninstructions  \d+\nmemory        \d+\n\z/, 'tells all of it') or diag($out);
my @costs = map { (run($ctl, 'lua', 'run', $script, '--event', $event, '--policy', "$root/conf.d"))[1] =~ /instructions  (\d+)/ } 1 .. 2;
is($costs[0], $costs[1], 'instructions are counted exactly');
my $count = put('c.lua', "return function(event) log(counter.incr('n', 60)) end\n");
($status, $out) = run($ctl, 'lua', 'run', $count, '--event', $event, '--times', 3, '--policy', "$root/conf.d");
is(join(' ', $out =~ /^log c\.lua: (\d+)$/mg), '1 2 3', '--times: counters count');
my $mild = put('mild.lua', "return function() return deliver() end\n");
my ($bold) = slurp("$root/t/lua/examples.json") =~ /^  (\{"id": "LUA-relax", .*\}),$/m;
$bold = put('bold.json', $bold);
($status, $out) = run($ctl, 'explain', $bold, '--policy', "$root/t/lua/examples.rules");
like($out, qr/^rule        script\.relax$/m, 'explain names the script');
like($out, qr/^script      relax relaxed\n +the policy's verdict is placeholder rich_text_unsupported by teams_kaizala\.KT-16$/m, 'and what the policy says') or diag($out);
($status, $out) = run($ctl, 'lua', 'run', $mild, '--event', $bold, '--policy', "$root/conf.d");
like($out, qr/^script        refused: deliver in place of placeholder: it may relax nothing$/m, 'what it tried in vain') or diag($out);

# ------------------------------------------------------------- the statement

my $words = join '', map { "reason $_ 400 \"x\";\n" } qw(malformed_path malformed_body unsupported_media_type body_too_large unmatched
    undetermined no_policy store_unavailable);
my $head = "system a { title \"A\"; }\nsystem b { title \"B\"; }\nrecord tenant { id code; }\n$words"
         . "policy p between a and b { matrix a -> b { * deliver; } matrix b -> a { * deliver; }\n";
for (
    [ 'script;', 'a script has a name and a file' ],
    [ 'script s "none.lua";', qr/cannot read ".*none\.lua": No such file or directory/ ],
    [ 'script s "s.lua" for nothing;', 'unknown operation "nothing"' ],
    [ 'script s "s.lua" may relax to deny;', 'the mildest verdict that the script may give is missing here' ],
    [ 'script s "s.lua" may relax;', 'the mildest verdict that the script may give is missing here' ],
    [ 'script s "s.lua" memory 1k;', 'this is no budget of a script' ],
    [ 'script s "s.lua" time 5;', 'this is no budget of a script' ],
    [ 'script s "s.lua" set aside after 0;', 'it is said after how many failures in a row' ],
    [ 'script s "s.lua" often;', "this word has no meaning in a script's statement" ],
    [ "script s \"s.lua\";\nscript s \"s.lua\";", 'a script of this name stands already' ],
    [ 'script s "s.lua" { }', 'a block has no meaning here' ],
) {
    my ($statement, $want) = @$_;
    ($status, $out) = run($ctl, 'check', put('p.rules', "$head$statement\n}\n"));
    my ($said) = $out =~ /^[^\n]*?p\.rules:\d+:\d+: ([^\n]*)/m;
    ref $want ? like($said // $out, $want, $statement) : is($said // $out, $want, $statement);
}
($status, $out) = run($ctl, 'check', put('p.rules', "$head script s \"s.lua\" for message.* may relax to strip instructions 1000 memory 64k time 1ms output 1k set aside after 3;\n}\n"));
is($status, 0, 'all of it') or diag($out);
put('s.lua', "return function(\n");
($status, $out) = run($ctl, 'check', "$dir/p.rules");
is($status, 1, 'a policy with a script that is wrong');
like($out, qr/^\Q$dir\E\/s\.lua:2: <name> or '\.\.\.' expected near <eof>/m, 'is told with the script\'s place') or diag($out);

# -------------------------------------------------------- the reference page

my $page = slurp("$root/lua/REFERENCE.md");
my $header = slurp("$root/rules/interop.h");
sub rows {
    my ($list) = @_;
    my ($table) = $page =~ /<!-- list \Q$list\E -->\n\|[^\n]*\n\|[^\n]*\n((?:\|[^\n]*\n)+)/ or return;
    return map { /^\| `([\w.]+)/ ? $1 : () } split /\n/, $table;
}
for my $list (qw(INTEROP_EVENT_FIELDS INTEROP_SCRIPT_SUBJECTS INTEROP_SCRIPT_ACTIONS)) {
    my ($macro) = $header =~ /^#define \Q$list\E\(X\) \\\n((?:.*\\\n)*.*\n)/m;
    is_deeply([ rows($list) ], [ $macro =~ /X\(\w+,\s+"([\w.]+)"/g ], "$list is told");
}
my $code = join '', map { slurp($_) } glob "$root/lua/*.c";
my %names;
while ($code =~ /static const (?:luaL_Reg|wrap_t) (\w+)\[\] = \{(.*?)\};/gs) {
    my ($name, $body) = ($1, $2);
    push @{ $names{$name} }, $body =~ /\{ "(\w+)"/g;
}
my %base = map { $_ => 1 } $code =~ /void open_base\(.*?names\[\] = \{(.*?)\}/s ? $1 =~ /"(\w+)"/g : ();
$base{$_} = 1 for qw(pcall tostring tonumber _VERSION);
my ($env) = $page =~ /<!-- names env -->\n(.*?)\n\n/s;
is_deeply([ sort $env =~ /`(\w+)`/g ], [ sort keys %base ], 'names without a library');
my ($math) = $page =~ /<!-- names math -->\n(.*?)\n\n/s;
my ($math_code) = $code =~ /void open_math\(.*?names\[\] = \{(.*?)\}/s;
is_deeply([ $math =~ /`math\.(\w+)`/g ], [ $math_code =~ /"(\w+)"/g ], 'math');
my %told = (table => 'tables', utf8 => 'utf8', string => 'strings');
for my $library (sort keys %told) {
    my ($text) = $page =~ /<!-- names \Q$library\E -->\n(.*?)\n\n/s;
    my %lua = map { $_ => 1 } qw(find match gmatch gsub);
    is_deeply([ grep { !$lua{$_} } $text =~ /`\Q$library\E\.(\w+)`/g ], $names{ $told{$library} }, $library);
}
sub told_names { my ($l) = @_; my ($t) = $page =~ /<!-- names $l -->\n(.*?)\n\n/s; return sort($t =~ /^\| `$l\.(\w+)/mg) }
is_deeply([ told_names('re') ], [ sort qw(find match gmatch gsub) ], 're');
is_deeply([ told_names('text') ], [ sort(($names{text} ? @{ $names{text} } : ()), qw(list contains_any)) ], 'text');
is_deeply([ told_names('time') ], [ sort @{ $names{time} } ], 'time');
is_deeply([ told_names('counter') ], [ sort @{ $names{counter} } ], 'counter');
is_deeply([ told_names('json') ], [ sort qw(decode encode null) ], 'json');

# examples on the page are scripts
my $n = 0;
while ($page =~ /^```lua\n(.*?)^```/msg) {
    my $text = $1;
    $text = "return function(event, verdict)\n$text\nend\n" if $text !~ /function/;
    ($status, $out) = run($ctl, 'lua', 'check', put('page.lua', $text));
    is($status, 0, 'example ' . ++$n . ' of the page') or diag($out);
}

done_testing;
