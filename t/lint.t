#!/usr/bin/perl
# Holds the shape of the code: who may include whom, which symbols go in and
# out, sizes of functions and files, heads of files, words that must not appear.
# It reads sources and what was built; it runs none of it.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Spec;

my $root = abs_path(dirname(__FILE__) . '/..');
chdir $root or die "$root: $!";
my $build = $ENV{T_BUILD} || "$root/build";

sub slurp { my ($f) = @_; open my $h, '<:raw', $f or return ''; local $/; return scalar(<$h>) // '' }
sub lines { my ($f) = @_; return split /\n/, slurp($f), -1 }

# one test: no complaints
sub none {
    my ($name, @found) = @_;
    is(scalar @found, 0, $name) or diag(join "\n", @found > 30 ? (@found[0 .. 29], '...') : @found);
}

my %code;    # part => its C files
for my $part (qw(rules lua ngx_module)) {
    $code{$part} = [ sort map { glob "$_/*.[ch]" } $part, grep { -d } glob "$part/*" ];
}
my @all = map { @$_ } @code{qw(rules lua ngx_module)};
plan skip_all => 'no sources' unless @all;

# ------------------------------------------------------ who may include whom

my $libc = join '|', qw(assert ctype dirent dlfcn errno fcntl float inttypes limits math pthread signal stdarg
    stdatomic stdbool stddef stdint stdio stdlib string strings time unistd getopt locale
    sys/mman sys/stat sys/types sys/wait sys/resource sys/time sys/ioctl sys/file);
my %may_include = (
    rules => qr{^(?:$libc|yyjson|pcre2|md4c|md4c-html|lmdb|emmintrin|openssl/\w+)\.h$},
    lua => qr{^(?:$libc|interop|lua|lauxlib|lualib)\.h$},
    ngx_module => qr{^(?:ngx_\w+|interop|dlfcn|nginx)\.h$},
);

my @includes;
for my $part (sort keys %code) {
    for my $file (@{ $code{$part} }) {
        for my $line (lines($file)) {
            if ($line =~ /^\s*#\s*include\s*<([^>]+)>/) {
                push @includes, "$file: <$1>" if $1 !~ $may_include{$part};
            } elsif ($line =~ /^\s*#\s*include\s*"([^"]+)"/) {
                my $name = $1;
                next if $part eq 'rules' && $name =~ /\.inc$/;    # generated from a rules/*/NAME.pl
                my $path = -e dirname($file) . "/$name" ? abs_path(dirname($file) . "/$name") : abs_path($name) // $name;
                my $inside = File::Spec->abs2rel($path, $root);
                push @includes, "$file: \"$name\""
                    unless $inside =~ m{^$part/} || $part ne 'rules' && $inside eq 'rules/interop.h';
            }
        }
    }
}
none('rules/ includes no nginx and no Lua, lua/ no nginx, ngx_module/ only interop.h and nginx', @includes);

sub code_words {
    my ($part, $pattern) = @_;
    my @found;
    for my $file (@{ $code{$part} }) {
        my $n = 0;
        for my $line (lines($file)) { $n++; push @found, "$file:$n: $line" if $line =~ $pattern }
    }
    return @found;
}
none('no ngx_ in rules/', grep { !/ngx_interop/ } code_words('rules', qr/\bngx_/i));
none('no ngx_ in lua/', grep { !/ngx_interop/ } code_words('lua', qr/\bngx_/i));
none('no Lua in ngx_module/', code_words('ngx_module', qr/\blua_\w|\bluaL_|#\s*include.*\blua/));

# ------------------------------------------------------------------- symbols

# What the library may ask of libc: nothing that prints, exits, reads the
# environment or the clock, starts anything or keeps hidden state. The last is
# the compiler's own, where the processor is not said to count bits.
my %libc_symbol = map { $_ => 1 } qw(
    calloc free malloc realloc
    memchr memrchr memcmp memcpy memmem memmove memset qsort bsearch
    strchr strcmp strerror_r strlen strncmp strnlen strrchr strstr strtod strtol strtoll strtoul strtoull
    snprintf vsnprintf
    close fclose fdopen feof ferror fopen fread fseek fstat ftell lstat mkdir mmap munmap open opendir
    closedir readdir read pread rename stat unlink write fsync access getpid
    scandir alphasort __xpg_strerror_r __isoc99_sscanf
    pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock pthread_mutex_trylock
    pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_broadcast
    __errno_location __stack_chk_fail __assert_fail _GLOBAL_OFFSET_TABLE_ __popcountdi2);

SKIP: {
    skip 'the library is not built', 2 unless -e "$build/libinterop.a";
    skip 'sanitizers add symbols of their own', 2 if $ENV{T_ASAN};
    my (%defined, %wanted, %exported);
    for (`nm -A '$build/libinterop.a' 2>/dev/null`) {
        my ($object, $type, $name) = /:([^:]+\.o):\s*[0-9a-f]*\s+([A-Za-z])\s+(\S+)/ or next;
        if ($type eq 'U') { push @{ $wanted{$name} }, $object } else { $defined{$name} = 1 if $type =~ /[A-Z]/ }
        push @{ $exported{$name} }, $object if $type =~ /[TDBRV]/;
    }
    none('the library asks only for what is on the list', map { "$_ (in @{ $wanted{$_} }[0])" } sort grep {
        !$defined{$_} && !$libc_symbol{$_} && !/^(?:yyjson_|pcre2_\w+_8$|md_|mdb_|EVP_|OPENSSL_|CRYPTO_|BN_|ERR_)/
    } keys %wanted);
    none('its symbols are interop_* or in_*', map { "$_ (in @{ $exported{$_} }[0])" }
        sort grep { !/^(?:interop_|in_)/ } keys %exported);
}

SKIP: {
    my $module = $ENV{T_MODULE} || "$build/ngx_http_interop_module.so";
    skip 'the module is not built', 1 unless -e $module;
    my @names = map { /\s(\S+)$/ ? $1 : () } `nm -D --defined-only '$module'`;
    is_deeply([ sort grep { !/^(?:__asan|__ubsan|__odr)/ } @names ],
        [qw(ngx_module_names ngx_module_order ngx_modules)], 'the module exports what nginx wants and no more');
}

SKIP: {
    my $host = "$build/interop_lua.so";
    skip 'the Lua host is not built', 1 unless -e $host;
    my @names = grep { !/^(?:__asan|__ubsan|__odr)/ } map { /\s(\S+)$/ ? $1 : () } `nm -D --defined-only '$host'`;
    none('the Lua host exports interop_* only', grep { !/^interop_/ } @names);
}

# --------------------------------------------------------------------- sizes

# [name, first line, lines] of every function in a C file
sub functions {
    my ($file) = @_;
    my $text = slurp($file);
    my $blank = sub { (my $s = $_[0]) =~ s/[^\n]/ /g; $s };
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}
              {defined $1 ? $blank->($1) : '"' . (' ' x (length($2) - 2)) . '"'}gse;
    $text =~ s{^([ \t]*#(?:[^\n\\]|\\.|\\\n)*)}{$blank->($1)}gme;
    my (@found, $start, $name, $depth);
    ($depth, my $head) = (0, 0);
    my $line = 1;
    while ($text =~ /\G(?:([^{};\n]+)|([{};])|(\n))/g) {
        my ($other, $mark, $newline) = ($1, $2, $3);
        if (defined $newline) { $line++; next }
        if (defined $other) {
            if ($depth == 0 && $other =~ /\S/) { $head = $line if !$head; $name .= "$other " }
            next;
        }
        if ($mark eq '{') {
            $start = $depth == 0 && ($name // '') =~ /\)\s*(?:__attribute__.*)?$/s && $name !~ /=/ ? $head || $line : $start;
            $depth++;
        } elsif ($mark eq '}') {
            $depth-- if $depth;
            if ($depth == 0) {
                push @found, [ $name =~ /(\w+)\s*\(/ ? $1 : '?', $start, $line - $start + 1 ] if $start;
                ($start, $name, $head) = (0, '', 0);
            }
        } elsif ($depth == 0) { ($start, $name, $head) = (0, '', 0) }
    }
    return @found;
}

# the counter itself
{
    require File::Temp;
    my $sample = File::Temp->new(SUFFIX => '.c');
    print {$sample} "#define X(a) { a }\nstatic const int t[] = { 1, 2 };\nstruct s { int (*f)(int); };\n"
        . "/* int no(void) { } */\nint\none(int a)\n{\n    if (a) { return '}'; }\n    return \"{{\"[0];\n}\n\nvoid two(void) { }\n";
    close $sample;
    is_deeply([ map { [ @$_ ] } functions($sample->filename) ], [ [ 'one', 5, 6 ], [ 'two', 12, 1 ] ],
        'the counter of function sizes counts');
}

# loops and tables that are one thing: the tokenizer's and the evaluator's
my %long_allowed = map { $_ => 1 } qw();
my %limit = (rules => 80, lua => 80, ngx_module => 120);
my %many = (rules => 40, lua => 40, ngx_module => 80);       # nine of ten are not longer
my %middle = (rules => 15, lua => 15, ngx_module => 38);
for my $part (qw(rules lua ngx_module)) {
    my @sizes;
    my @long;
    for my $file (@{ $code{$part} }) {
        for (functions($file)) {
            my ($name, $line, $size) = @$_;
            push @sizes, $size;
            push @long, "$file:$line: $name has $size lines" if $size > $limit{$part} && !$long_allowed{$name};
        }
    }
    none("$part/: no function over $limit{$part} lines", @long);
    @sizes = sort { $a <=> $b } @sizes;
    SKIP: {
        skip "$part/ has hardly any functions", 2 if @sizes < 20;
        cmp_ok($sizes[@sizes / 2], '<=', $middle{$part}, "$part/: half of the functions have at most $middle{$part} lines");
        cmp_ok($sizes[@sizes * 0.9], '<=', $many{$part}, "$part/: nine of ten have at most $many{$part}");
    }
}

my @large;
for my $part (qw(rules lua ngx_module)) {
    my $most = $part eq 'ngx_module' ? 500 : 700;
    for my $file (@{ $code{$part} }) {
        my $n = () = slurp($file) =~ /\n/g;
        push @large, "$file has $n lines, over $most" if $n > $most;
    }
}
none('no file is too long', @large);

# --------------------------------------------------------------------- form

my (@heads, @tabs, @wide, @slashes, @marks);
for my $file (@all) {
    my $text = slurp($file);
    if ($text =~ m{\A\s*/\*(.*?)\*/}s) {
        my $n = grep { /\w/ } split /\n/, $1;
        my $most = $file =~ /\.h$/ ? 30 : 20;
        push @heads, "$file: the head has $n lines" if $n < 3 || $n > $most;
    } else {
        push @heads, "$file: no head";
    }
    my $columns = $file =~ /^ngx_module/ ? 80 : 132;
    my $n = 0;
    for my $line (lines($file)) {
        $n++;
        push @tabs, "$file:$n: a tab" if $line =~ /\t/;
        push @tabs, "$file:$n: white space at the end" if $line =~ /\s$/;
        push @wide, "$file:$n: over $columns columns" if length $line > $columns;
        (my $bare = $line) =~ s/"(?:[^"\\]|\\.)*"//g;
        push @slashes, "$file:$n: $line" if $bare =~ m{(?<![:/*])//} && $bare !~ m{^\s*(?:\*|/\*)} && $bare !~ m{/\*.*//};
        push @marks, "$file:$n: $line" if $line =~ /\b(?:TODO|FIXME|XXX)\b/;
    }
}
none('every file opens with what it owns', @heads);
none('no tabs, no white space at the end', @tabs);
none('no long lines', @wide);
none('no // comments', @slashes);
none('nothing is put off', @marks);

# ------------------------------------------------------------------- words

my $products = join '|', qw(teams kaizala skype sfb acs graph ucwa botframework);
none('the engine names no product', map { code_words($_, qr/(?<![A-Za-z])(?:$products)(?![A-Za-z])/i) } sort keys %code);

SKIP: {
    my @tracked = grep { -f } split /\0/, `git ls-files -z 2>/dev/null`;
    skip 'not a git work tree', 1 unless @tracked;
    my $place = join '|', '/wo' . 'rk/', '/fa' . 'rm/', '/tm' . 'p/w\b', 'deb\.deb' . 'ian\.org', 'registry\.np' . 'mjs';
    my @found;
    for my $file (@tracked) {
        my $text = slurp($file);
        push @found, "$file: $1" if index($text, "\0") < 0 && $text =~ /($place)/;
    }
    none('no file names a place of one machine', @found);
}

done_testing();
