#!/usr/bin/perl
# Every behaviour that the policies name, or that is specified beside the
# repository, has a case of our own: one where it holds and one where it does not,
# that is, two steps that come to different outcomes.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT slurp);
use InteropJSON qw(decode);

# what is told of these by outcomes is told elsewhere, or has one outcome only
my %one = (
    'X-5' => 'bodies of every size and framing come to one outcome: t/500-body-forms.t, t/505-body-limit.t',
);

# rows of the specification's tables; without it, the tags of the policies
sub rows {
    my $spec = "$ROOT/../shared/spec/behaviour.md";
    return slurp($spec) =~ /^\| ((?:KT|TR|AC|SB|KG|X)-\d+) \|/mg if -e $spec;
    note('../shared/spec/behaviour.md is not there: the tags of the policies are taken');
    my %tag = map { $_ => 1 } map { slurp($_) =~ /\[((?:KT|TR|AC|SB|KG|X)-\d+)\];?/g } glob "$ROOT/conf.d/policies/*.rules";
    return sort keys %tag;
}

# what came of a step, as far as it says
sub outcome {
    my ($e) = @_;
    my $verdict = $e->{verdict} // '';
    $verdict .= ' ' . join ',', sort @{ $e->{notices} || [] } if $verdict eq 'deliver';
    return join ' ', $verdict, $e->{reason} // '', ($e->{response} || {})->{status} // '';
}

my (%cases, %outcomes, %steps);
for my $file (sort glob "$ROOT/t/cases/*.json") {
    my %seen;
    for my $case (@{ decode(slurp($file)) }) {
        ok(!$seen{ $case->{id} }++, basename($file) . ": $case->{id} stands there once") if $seen{ $case->{id} };
        for my $row (@{ $case->{rows} }) {
            $cases{$row}++;
            $steps{$row} += @{ $case->{steps} };
            $outcomes{$row}{ outcome($_->{expect}) } = 1 for @{ $case->{steps} };
        }
    }
}

my @rows = rows();
cmp_ok(scalar @rows, '>', 60, 'there are rows');
for my $row (@rows) {
    ok($cases{$row}, "$row: a case") or next;
    ok($one{$row} || keys %{ $outcomes{$row} } > 1, "$row: a step where it holds, and one where it does not")
        or diag("of $steps{$row} steps: ", join ' | ', keys %{ $outcomes{$row} });
    ok(scalar(grep { !/^deny/ } keys %{ $outcomes{$row} }), "$row: a step that is not refused");
}
my %known = map { $_ => 1 } @rows;
is(join(' ', grep { !$known{$_} } sort keys %cases), '', 'no case is about a row that is not there');
done_testing();
