#!/usr/bin/perl
# Runs the behaviour cases through nginx with t/edge-cases: the repository's own
# (t/cases/), and the shared ones beside the repository where they are. Each
# file is one test; our own run once more in each other framing of the body.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

InteropNginx->need;

my $root = $InteropNginx::ROOT;
my $shared = "$root/../shared/cases";
my @own = sort glob "$root/t/cases/*.json";
# edge-cases runs several nginx at a time, and so does prove
my $jobs = $ENV{T_ASAN} ? 1 : 2;

sub run_cases {
    my ($name, $file, @options) = @_;
    open my $out, '-|', "$root/t/edge-cases", '--jobs', $jobs, @options, $file or die "edge-cases: $!";
    my @lines = <$out>;
    close $out;
    my $status = $? >> 8;
    note($_) for grep { /# SKIP/ } @lines;
    my $summary = $lines[-1] // '';
    chomp $summary;
    is($status, 0, "$name: $summary") or diag(join '', @lines > 80 ? @lines[0 .. 79] : @lines);
    like($summary, qr/^[1-9]\d* passed, 0 failed/, "$name: some passed, none failed");
}

run_cases(basename($_), $_) for @own;
for my $mode (qw(chunked slow)) {
    run_cases(basename($_) . " $mode", $_, '--mode', $mode) for @own;
}
SKIP: {
    skip 'curl with HTTP/2 is not installed', 2 * @own unless `curl --version 2>/dev/null` =~ /\bHTTP2\b/;
    run_cases(basename($_) . ' h2', $_, '--mode', 'h2') for @own;
}
SKIP: {
    skip 'the Lua host is not built', 2 unless -e dirname($InteropNginx::MODULE) . '/interop_lua.so';
    run_cases('scripts', "$root/t/lua/examples.json", '--policy', "$root/t/lua/examples.rules");
}
for my $name (qw(teams-kaizala transition cross-cutting sfb-teams)) {
    SKIP: {
        skip "../shared/cases/$name.json is not there", 2 unless -e "$shared/$name.json";
        run_cases("shared $name", "$shared/$name.json");
    }
}
done_testing();
