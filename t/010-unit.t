#!/usr/bin/perl
# Runs every C unit program (t/unit/NAME.c, built as $T_BUILD/unit/NAME): one
# subtest each, made of the program's own TAP. Knows nothing of what they test.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename;

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my @sources = sort glob "$root/t/unit/*.c";
plan skip_all => 'no unit programs' unless @sources;

# the leak checker must not be lost when a test runs under another's preload
delete local $ENV{LD_PRELOAD};
local $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1:halt_on_error=1';

my @names = map { basename($_, '.c') } @sources;
if (grep { !-x "$build/unit/$_" || -M "$build/unit/$_" > -M "$root/t/unit/$_.c" } @names) {
    system('make', '-s', '-C', $root, "B=$build", map { "$build/unit/$_" =~ s{^\Q$root\E/}{}r } @names);
}

for my $name (@names) {
    subtest $name => sub {
        my $program = "$build/unit/$name";
        if (!-x $program) {
            fail("$program is not built");
            return;
        }
        # a program finds its data from the root of the repository
        open my $out, '-|', 'sh', '-c', 'cd "$1" && exec "$2" 2>&1', 'sh', $root, $program
            or die "$program: $!";
        my ($plan, $seen, @report) = (undef, 0);
        while (my $line = <$out>) {
            chomp $line;
            if ($line =~ /^1\.\.(\d+)(?:\s*#\s*SKIP\s*(.*))?/) {
                $plan = $1;
                plan skip_all => $2 if $plan == 0;
            } elsif ($line =~ /^(not )?ok\b\s*\d*\s*(?:-\s*)?(.*)/) {
                $seen++;
                push @report, $line if $1;
            } elsif ($line =~ /\S/) {
                push @report, $line;
            }
        }
        close $out;
        my $status = $?;
        my $failed = grep { /^not ok/ } @report;
        diag("$name: $_") for @report > 60 ? @report[0 .. 59] : $status || $failed ? @report : ();
        is($failed, 0, "$seen checks");
        ok(defined $plan && $plan == $seen, 'as many as planned')
            or diag('planned ' . ($plan // 'nothing') . ", seen $seen");
        is($status, 0, 'ends well');
    };
}
done_testing();
