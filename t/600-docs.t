#!/usr/bin/perl
# README.md, conf.d/LANGUAGE.md and the page of the manual say what is there:
# their commands are run and give the output shown, their examples compile (or
# are refused with the words shown), their tables are those of the code, their
# links lead somewhere. Comments before a block say what is to be done with it:
#
#   run demo|store|here     its commands are run, the ```text block after it
#                           holds lines of the output, in order; ... is any text
#   file NAME               what those commands find; paths of `make install`
#                           are this machine's
#   in PLACE                a fragment: what is around it comes from %around
#   refused                 it does not compile, and the next block says why
#   list MACRO              the next table has the entries of this X-macro
#   matrix ARGUMENTS        the next table is what `interopctl matrix` prints;
#                           T_WRITE=1 writes it there
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use POSIX ();
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

my $root = $InteropNginx::ROOT;
my $ctl = $InteropNginx::CTL;
plan skip_all => "$ctl is not built" unless -x $ctl;
InteropNginx->need('curl');

my $t = InteropNginx->new;
my $dir = $t->dir;

sub text_of { my ($name) = @_; return $t->read_file("$root/$name") }

# ------------------------------------------------------------- the documents

# blocks { lang, text, line, marks => {}, shown } and tables { name, rows, line }
sub parse {
    my ($name) = @_;
    my (@blocks, @tables, %marks, $block, $table);
    my $n = 0;
    for my $line (split /\n/, text_of($name)) {
        $n++;
        if ($block) {
            if ($line =~ /^\s*```\s*$/) {
                my $before = $blocks[-1];
                if ($block->{lang} eq 'text' && $before && $before->{open}) { $before->{shown} = $block->{text} }
                else { push @blocks, $block }
                $block->{open} = $block->{lang} ne 'text';
                undef $block;
            } else {
                $block->{text} .= $line =~ s/^ {0,$block->{indent}}//r . "\n";
            }
        } elsif ($line =~ /^(\s*)```(\w*)/) {
            $block = { file => $name, lang => $2, indent => length $1, text => '', line => $n, marks => {%marks} };
            %marks = ();
        } elsif ($line =~ /^\s*<!--\s*(\w+)\s*(.*?)\s*-->$/) {
            $marks{$1} = $2;
        } elsif ($line =~ /^\|/) {
            push @tables, $table = { file => $name, line => $n, marks => {%marks}, rows => [] } unless $table;
            %marks = ();
            push @{ $table->{rows} }, [ map { s/\\\|/|/gr } map { s/^\s+|\s+$//gr } split /(?<!\\)\|/, substr $line, 1 ];
        }
        undef $table unless $line =~ /^\|/;
        if ($line =~ /\S/ && !$block && $line !~ /^\s*(?:```|<!--)/) { $_->{open} = 0 for @blocks ? $blocks[-1] : () }
    }
    splice @{ $_->{rows} }, 1, 1 for @tables;
    return (\@blocks, \@tables);
}

my ($readme, $readme_tables) = parse('README.md');
my ($language, $language_tables) = parse('conf.d/LANGUAGE.md');

# the table whose first heading this is
sub table {
    my ($head, @tables) = @_;
    my @found = grep { $_->{rows}[0][0] eq $head } @tables;
    is(scalar @found, 1, "one table begins with \"$head\"");
    my @rows = @{ $found[0]{rows} };
    shift @rows;
    return @rows;
}

sub words { my ($cell) = @_; return $cell =~ /`([^`]+)`/g }

# ------------------------------------------------------------------ commands

# lines of what is shown stand in the output, in this order
sub holds {
    my ($name, $shown, $output) = @_;
    my @lines = split /\r?\n/, $output;
    ok(($shown // '') =~ /\S/, "$name: something is shown") if $name =~ /words$/;
    for my $want (grep { /\S/ } split /\n/, $shown // '') {
        my $pattern = join '.*', map { quotemeta } split /\.\.\./, $want, -1;
        shift @lines while @lines && $lines[0] !~ /^$pattern\s*$/;
        next if @lines && defined shift @lines;
        fail("$name: $want");
        diag("in:\n$output");
        return;
    }
    pass($name);
}

sub run_block {
    my ($b, $from, %replace) = @_;
    my $script = $b->{text};
    $script =~ s/\Q$_\E/$replace{$_}/g for sort { length $b <=> length $a } keys %replace;
    local $ENV{PATH} = "$InteropNginx::BUILD:$ENV{PATH}";
    delete local $ENV{INTEROP_STORE};
    my ($status, $out) = $t->run('sh', '-ec', "cd '$from'\n$script");
    is($status, 0, "$b->{file}:$b->{line}: the commands end well") or diag($script, $out);
    holds("$b->{file}:$b->{line}: and say what is shown", $b->{shown}, $out);
}

sub marked { my ($mark, $value, @blocks) = @_; return grep { ($_->{marks}{$mark} // '') eq $value } @blocks }

my @all = (@$readme, @$language);
my %installed = ('/var/lib/ngx_interop' => "$dir/told", '/usr/share/ngx_interop' => "$root/conf.d");
for my $b (grep { $_->{marks}{file} } @all) {
    my $text = $b->{text};
    $text =~ s/\Q$_\E/$installed{$_}/g for keys %installed;
    $t->write($b->{marks}{file}, $text);
}
run_block($_, $dir, %installed) for marked(run => 'store', @all);
run_block($_, $root) for marked(run => 'here', @all);

# the demonstration, as in the README's first minute
{
    my $port = $t->port('demo');
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/demo.out";
        open STDERR, '>&', \*STDOUT;
        delete $ENV{ONCE};
        exec { "$root/t/demo" } "$root/t/demo" if $ENV{DEMO_PORT} = $port and $ENV{DEMO_LINK} = "$dir/demo";
        POSIX::_exit(127);
    }
    my $ended = 0;
    my $up = $t->pump(sub { $t->read_file('demo.out') =~ /It is yours now.*\S\n\n/s
                            || ($ended ||= waitpid($pid, POSIX::WNOHANG()) == $pid) }, 120);
    ok($up && !$ended && -l "$dir/demo", 'the demonstration is up') or diag($t->read_file('demo.out'));
    my @blocks = marked(run => 'demo', @all);
    cmp_ok(scalar @blocks, '>=', 4, 'the README has a first toggle');
    run_block($_, $root, '127.0.0.1:8080' => "127.0.0.1:$port", 'build/demo' => "$dir/demo", 'build/interopctl' => $ctl)
        for @blocks;
    if (!$ended) { kill INT => $pid; $t->wait_pid($pid, 20) }
    ok($? == 0 && !$ended, 'and ends when it is interrupted');
    ok(!-l "$dir/demo", 'leaving nothing');
}

# what is not run is make and configure, whose targets there are
my %target = map { $_ => 1 } text_of('Makefile') =~ /^([a-z][a-z-]*):/mg;
for my $b (grep { $_->{lang} eq 'sh' && !exists $_->{marks}{run} } @all) {
    my @strange = grep { !/^(?:make (?:-f objs\/Makefile )?(\w+)$|\.\/configure (.*))/ || !$target{ $1 // 'all' } && $1 ne 'modules' }
        split /\n/, $b->{text};
    is("@strange", '', "$b->{file}:$b->{line}: not run: make and configure only");
}
is_deeply([ grep { !$target{$_} && $_ ne 'modules' } text_of('README.md') =~ /`?\bmake ([a-z]{3,})\b[^`\n]*`/g ], [],
    'the README names targets that there are');

# ------------------------------------------------------------------ examples

my $error = 'error json { "code": "$reason" };';
my %around = (
    api => "api example of teams {\n%s\n$error }\n",
    body => "api example of teams {\nguards /v1;\noperation message.send POST /v1/x { body {\n%s\n} }\n$error }\n",
    guards => "policy example on teams { gate { deny scope_not_supported when %s; } }\n",
);

my $examples = 0;
sub check {
    my ($source) = @_;
    my $file = $t->write(sprintf('example-%d.rules', ++$examples), "$source\ninclude \"$root/conf.d/vocabulary.rules\";\n");
    return $t->run($ctl, 'check', $file);
}

for my $b (grep { $_->{lang} eq 'rules' && !$_->{marks}{file} } @all) {
    my $name = "$b->{file}:$b->{line}";
    my $place = $b->{marks}{in} // '';
    my @sources = $place eq 'guards' ? grep { /\S/ } split /\n/, $b->{text} : $b->{text};
    # guards may speak of the pack's sets
    my ($sets) = $place eq 'guards' ? text_of('conf.d/policies/teams-kaizala.rules') =~ /^(set live_2018 .*)$/m : '';
    for my $source (@sources) {
        $source = sprintf $around{$place}, $source if $place ne '';
        my ($status, $out) = check($source . ($sets // ''));
        if (exists $b->{marks}{refused}) {
            is($status, 1, "$name: is refused");
            holds("$name: in these words", $b->{shown}, $out);
        } else {
            is($status, 0, "$name: compiles") or diag("$source\n$out");
        }
    }
}
cmp_ok($examples, '>=', 30, 'there are examples');

# the configuration
for my $b (grep { $_->{lang} eq 'nginx' } @all) {
    my $text = $b->{text};
    $text =~ s/^load_module .*\n//m;
    $text =~ s{/usr/share/ngx_interop}{%%ROOT%%/conf.d};
    $text =~ s{/var/lib/ngx_interop}{%%DIR%%/store};
    $text =~ s{listen [\d.:]+}{listen %%ADDR:readme%%};
    $text =~ s{carrier\.internal:\d+}{127.0.0.1:1};
    $text =~ s/^http \{\n/http {\n%%HTTP%%\n/m;
    $t->conf($text);
    my ($status, $out) = $t->check_conf;
    is($status, 0, "$b->{file}:$b->{line}: nginx -t") or diag($out);
}

# ------------------------------------------------- tables that policies tell

sub matrix {
    my ($arguments) = @_;
    my ($status, $out) = $t->ctl('matrix', split(' ', $arguments), '--markdown', '--policy', "$root/conf.d");
    die $out if $status;
    return grep { /^\|/ } split /\n/, $out;
}

if ($ENV{T_WRITE}) {
    my $text = text_of('README.md');
    $text =~ s/(<!-- matrix (.*?) -->\n)(?:\|.*\n)*/$1 . join '', map { "$_\n" } matrix($2)/ge;
    $t->write("$root/README.md", $text);
    ($readme, $readme_tables) = parse('README.md');
}
for my $table (grep { $_->{marks}{matrix} } @$readme_tables) {
    my @want = map { [ map { s/^\s+|\s+$//gr } split /\|/, substr $_, 1 ] } matrix($table->{marks}{matrix});
    splice @want, 1, 1;
    is_deeply([ map { "@$_" } @{ $table->{rows} } ], [ map { "@$_" } @want ], "README.md:$table->{line}: as the policies have it")
        or diag('T_WRITE=1 prove t/600-docs.t writes the tables anew');
}
cmp_ok(scalar(grep { $_->{marks}{matrix} } @$readme_tables), '>=', 5, 'the README shows what is enforced');

# -------------------------------------------------------------------- tables

# entries of an X-macro: [ID, "text", third]
sub macro {
    my ($name) = @_;
    for my $file (map { glob "$root/$_" } qw(rules/interop*.h rules/*/*.h)) {
        my ($body) = $t->read_file($file) =~ /#define \Q$name\E\(X\)((?:.*\\\n)*.*)/ or next;
        return $name eq 'IN_REQUEST_FACTS' ? $body =~ /X\(\w+,\s*\w+,\s*"([^"]+)"/g
            : $body =~ /X\(\w+,\s*"([^"]+)"/g;
    }
    return;
}

my %ordered = map { $_ => 1 } qw(INTEROP_VERDICTS INTEROP_KINDS);
my %listed;
for my $table (grep { $_->{marks}{list} } @$language_tables) {
    my $name = $table->{marks}{list};
    my @rows = @{ $table->{rows} };
    shift @rows;
    my @told = map { words($_->[0]) } @rows;
    my @are = macro($name);
    @are = map { "\$$_" } @are if $name eq 'IN_VARIABLES';
    $listed{$name} = \@rows;
    cmp_ok(scalar @are, '>', 3, "$name is found");
    is_deeply($ordered{$name} ? \@told : [ sort @told ], $ordered{$name} ? \@are : [ sort @are ],
        "conf.d/LANGUAGE.md:$table->{line}: the words of $name");
}
is_deeply([ sort keys %listed ], [qw(INTEROP_FEATURES INTEROP_KINDS INTEROP_OPERATIONS INTEROP_RECORDS INTEROP_VERDICTS
    IN_FACT_TYPES IN_REQUEST_FACTS IN_SUBJECTS IN_VARIABLES)], 'every closed list is there');
my %least = map { lc } text_of('rules/interop_lists.h') =~ /X\(\w+, "(\w+)", (RICH_TEXT|TEXT|IMAGE|GIF|ATTACHMENT|ACTION_CARD)\)/g;
is_deeply({ map { map { s/`//gr } @$_[0, 1] } @{ $listed{INTEROP_FEATURES} } }, \%least, 'the kinds that features make');
is_deeply([ map { words($_->[0]) } table('verdict', @$readme_tables) ], [ macro('INTEROP_VERDICTS') ], 'the README\'s verdicts');

# own statements of the compiler: rows of { "word", read_word }
my $statements = join ' ', map { text_of("rules/api/$_.c") } qw(compile compile_body compile_oper compile_batch compile_meet);
my $api_part = text_of('conf.d/LANGUAGE.md') =~ s/.*^## 6\. //msr =~ s/^## 7\. .*//msr;
is_deeply([ grep { $api_part !~ /\b\Q$_\E\b/ } $statements =~ /\{ "(\w+)",(?: \d,)? (?:read|name|in_apic)_\w+ \}/g ], [],
    'every statement of an API definition is told');

my ($outer) = text_of('rules/policy/compile.c') =~ /unknown_statement.*?words\[\] = \{(.*?)\};/s;
my @outer = $outer =~ /"(\w+)"/g;
cmp_ok(scalar @outer, '>=', 10, 'statements of a policy');
is_deeply([ grep { text_of('conf.d/LANGUAGE.md') !~ /^(?:###? .*\b\Q$_\E|.*`\Q$_\E )/mi } @outer ], [], 'every statement is told');
my ($sections) = text_of('rules/policy/policy.c') =~ /does not begin a section.*?"((?:\w+,? )+(?:or )?\w+)"/s;
my ($policies) = text_of('conf.d/LANGUAGE.md') =~ /^## 4\. (.*?)^## 5\. /ms;
is_deeply([ grep { $policies !~ /^### .*\b\Q$_\E\b/m } grep { !/^(?:or|set|toggle)$/ } split /\W+/, $sections ], [],
    'every section of a policy is told');

# limits
my $sources = join '', map { $t->read_file($_) } map { glob "$root/$_" } qw(rules/lang/parse.c rules/policy/*.[ch] rules/api/*.[ch]);
sub defined_as {
    my ($name) = @_;
    my ($n, $shift) = $sources =~ /^#define \Q$name\E\s+(?:\(\(size_t\) )?(\d+)u?(?: << (\d+)\))?/m or return "$name is not there";
    return $shift ? "$n MiB" : $n;
}
is_deeply([ map { $_->[1] } table('what', @$language_tables) ],
    [ (map { defined_as($_) } qw(MAX_FILE MAX_TOTAL MAX_FILES MAX_TOKENS)), defined_as('MAX_DEPTH') - 1,
      (map { defined_as($_) } qw(IN_MAX_NESTING IN_MAX_SYSTEMS IN_MAX_NOTICES IN_MAX_VALUES)), defined_as('IN_MAX_CLASSES') - 1,
      map { defined_as($_) } qw(IN_MAX_ATOMS IN_CAPTURES IN_BODY_NODES IN_BATCH_ITEMS MOST_ELEMENTS) ], 'limits');
is(defined_as('CELL_BUDGET'), (text_of('conf.d/LANGUAGE.md') =~ /more than (\d+) nodes/)[0], 'and that of a diagram');

# directives: names, contexts, values
my $module = join '', map { text_of("ngx_module/ngx_http_interop_$_.c") } qw(module conf gather policy store zone);
my %context = (NGX_HTTP_MAIN_CONF => 'http', NGX_HTTP_SRV_CONF => 'server', NGX_HTTP_LOC_CONF => 'location');
my %directive;
while ($module =~ /\{ ngx_string\("(interop\w*)"\),\s*([A-Z_0-9|]+),/g) {
    my ($name, $flags) = ($1, $2);
    $directive{$name} = join ', ', map { $context{$_} // () } split /\|/, $flags;
}
my @directives = table('directive', @$readme_tables);
is_deeply({ map { ($_->[0] =~ /^`(\w+)/)[0] => $_->[1] } @directives }, \%directive, 'directives and their contexts');
my %syntax = map { /^`((\w+).*);`$/ ? ($2 => $1) : () } map { $_->[0] } @directives;
for (['interop', 'modes'], ['interop_leg', 'legs']) {
    my ($name, $enum) = @$_;
    my ($values) = $module =~ /ngx_http_interop_\Q$enum\E\[\] = \{(.*?)ngx_null_string/s;
    is_deeply([ sort +($syntax{$name} =~ s/^\w+ //r) =~ /\w+/g ], [ sort $values =~ /ngx_string\("(\w+)"\)/g ], "values of $name");
}
my ($facts) = $module =~ /ngx_http_interop_facts\[\] = \{(.*?)\};/s;
my ($fact_row) = grep { $_->[0] =~ /^`interop_fact / } @directives;
is_deeply([ sort(words($fact_row->[3])) ], [ sort $facts =~ /"([\w.]+)"/g ], 'what interop_fact binds');
my ($sets) = $module =~ /unknown fact set .*?one of: "\s*"([^"]+)"/s;
my ($set_row) = grep { $_->[0] =~ /^`interop_resolve / } @directives;
is(join(', ', words($set_row->[3])), $sets, 'what interop_resolve asks for');
like($module, qr/conf->max_body, prev->max_body, 1024 \* 1024\)/, 'interop_max_body is 1m by default');
like($module, qr/size = 1024 \* 1024 \* 1024;/, 'a store is 1g by default');

# variables, headers
is_deeply([ map { words($_->[0]) } table('variable', @$readme_tables) ],
    [ map { "\$$_" } text_of('ngx_module/ngx_http_interop_vars.c') =~ /\{ ngx_string\("(\w+)"\)/g ], 'variables');
my $code = join '', map { $t->read_file($_) } glob "$root/ngx_module/*.c";
my %header = map { $_ => 1 } $code =~ /"(Interop-[A-Za-z]+|Retry-After|Cache-Control)"/g;
is_deeply([ sort map { words($_->[0]) } table('header', @$readme_tables) ], [ sort keys %header ], 'headers');
my ($overrides) = $code =~ /ngx_http_interop_overrides\[\] = \{(.*?)\};/s;
my ($told) = text_of('README.md') =~ /on judged requests (.*?), never reach upstream/s;
is_deeply([ sort map { lc } words($told) ], [ sort $overrides =~ /"([\w-]+)"/g ], 'headers that do not reach upstream');

# packages
my $deps = text_of('.ci/deps');
my @packages = map { split ' ' } $deps =~ /^(?:build|test)_packages="([^"]*)"/mg;
is_deeply([ sort map { words($_->[0]) } table('package', @$readme_tables) ], [ sort @packages, 'libyyjson-dev' ], 'packages');

# benchmarks
my %bench = map { m{([^/]+?)(?:\.\w+)?$} ? ($1 => 1) : () } glob "$root/t/bench/*";
is_deeply([ grep { !$bench{$_} } map { words($_->[0]) } table('program', @$readme_tables) ], [], 'benchmarks');

# ---------------------------------------------------------------- interopctl

my ($status, $help) = $t->run($ctl, '--help');
my @verbs = $help =~ /^  ([a-z]+) {2,}\S/mg;
cmp_ok(scalar @verbs, '>=', 5, 'interopctl has verbs');
my %verb = map { $_ => 1 } @verbs;
my $documents = text_of('README.md') . text_of('conf.d/LANGUAGE.md');
is_deeply([ grep { text_of('README.md') !~ /\binteropctl $_\b/ } @verbs ], [], 'the README shows every verb of interopctl');
is_deeply([ grep { !$verb{$_} && $_ ne 'verb' } map { lc } $documents =~ /\binteropctl ([A-Za-z]+)\b/g ], [], 'and no other');

SKIP: {
    my $man = text_of('rules/ctl/interopctl.1');
    skip 'no page of the manual', 2 unless length $man;
    $man =~ s/\\-/-/g;
    my @missing;
    for my $verb (@verbs) {
        push @missing, $verb if $man !~ /^\.(?:SS|TP|B|SH|BI?R?) .*\b$verb\b/m;
        my ($s, $text) = $t->run($ctl, $verb, '--help');
        push @missing, map { "$verb $_" } grep { $man !~ /(?<![\w-])\Q$_\E(?![\w-])/ } $text =~ /(--[a-z-]+)/g;
    }
    is("@missing", '', 'the page of the manual has every verb and option');
    my ($s, $out) = $t->run('sh', '-c', "command -v man >/dev/null || exit 0; man --warnings -l '$root/rules/ctl/interopctl.1' 2>&1 >/dev/null");
    is($out, '', 'and is well formed');
}

# --------------------------------------------------------------------- links

sub slug { my ($head) = @_; return lc($head) =~ s/[^\w\s-]//gr =~ s/\s/-/gr }

for my $name ('README.md', 'conf.d/LANGUAGE.md', 't/cases/README.md', 'CHANGELOG.md') {
    my $text = text_of($name) =~ s/^\s*```.*?^\s*```$//msgr;
    my (@dead, %anchor, %seen);
    for my $head ($text =~ /^#+ (.*)$/mg) {
        my $s = slug($head);
        $anchor{ $seen{$s}++ ? "$s-" . ($seen{$s} - 1) : $s } = 1;
    }
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ /^https?:/;
        my ($path, $anchor) = split /#/, $link, 2;
        push @dead, $link if length $path ? !-e "$root/" . dirname($name) . "/$path" : !$anchor{$anchor};
    }
    is("@dead", '', "$name: its links lead somewhere");
    is(scalar(() = text_of($name) =~ /^\s*```/mg) % 2, 0, "$name: its blocks are closed");
}

$t->clean;
done_testing();
