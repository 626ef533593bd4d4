#!/usr/bin/perl
# Replays every fuzz harness (t/fuzz/NAME.c, built as $T_BUILD/replay/NAME) over
# its corpus: t/fuzz/NAME.corpus/, one file per input, and inputs made here by
# cutting and changing those. A harness that finds something aborts.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp ();

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my @names = map { basename($_, '.c') } sort glob "$root/t/fuzz/*.c";
plan skip_all => 'no fuzz harnesses' unless @names;
chdir $root;

# the same changes every time
my $seed = 1;
sub dice { my ($n) = @_; $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return $n ? ($seed >> 8) % $n : 0 }

sub mutate {
    my ($bytes) = @_;
    for (0 .. dice(3)) {
        my $at = dice(length($bytes) + 1);
        my $kind = dice(5);
        if ($kind == 0) { $bytes = substr $bytes, 0, $at }
        elsif ($kind == 1 && length $bytes) { substr $bytes, $at % length $bytes, 1, chr dice(256) }
        elsif ($kind == 2) { substr $bytes, $at, 0, substr $bytes, dice(length($bytes) + 1), dice(40) }
        elsif ($kind == 3) { substr $bytes, $at, dice(8), '' }
        else { substr $bytes, $at, 0, ("\0", "\xff", '"', '<', '{', '%2f', '&#', "\\u0000", '../')[dice(9)] }
    }
    return $bytes;
}

for my $name (@names) {
    my $program = "$build/replay/$name";
    SKIP: {
        skip "$program is not built", 1 unless -x $program;
        my $dir = File::Temp->newdir;
        my @files = grep { -f } glob "t/fuzz/$name.corpus/*";
        my $n = 0;
        for my $file (@files) {
            open my $in, '<:raw', $file or die "$file: $!";
            my $bytes = do { local $/; <$in> } // '';
            for my $variant ($bytes, map { mutate($bytes) } 1 .. (@files > 100 ? 3 : 20)) {
                open my $out, '>:raw', "$dir/" . $n++ or die $!;
                print {$out} $variant;
                close $out;
            }
        }
        if (!$n) { open my $out, '>', "$dir/0"; close $out; $n = 1 }
        local $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1:halt_on_error=1';
        my $said = `'$program' '$dir' 2>&1`;
        is($?, 0, "$name: $n inputs") or diag(substr $said, -4000);
        like($said, qr/^$n inputs$/m, "$name: all of them") if $? == 0;
    }
}
done_testing();
