#!/usr/bin/perl
# JSONTestSuite (nst, MIT) through the library's own parse: every y_ is accepted,
# every n_ refused with a place, and each i_ is held to the choice below: text
# that parsers read differently is refused, numbers of any size are accepted and
# kept as they are spelt. Two y_ have one name twice, which we refuse on purpose.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename;

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my $suite = abs_path("$root/../shared/suites/json-test-suite") // '';
plan skip_all => 'the suite is not there: ../shared/suites/json-test-suite' unless -d $suite;
my $judge = "$build/unit/json";
plan skip_all => "$judge is not built" unless -x $judge;

my %twice = map { ("y_object_$_.json" => 1) } qw(duplicated_key duplicated_key_and_value);

# what the standard leaves open
my %accepted = map { ("i_number_$_.json" => 1) } qw(
    double_huge_neg_exp huge_exp neg_int_huge_exp pos_double_huge_exp real_neg_overflow
    real_pos_overflow real_underflow too_big_neg_int too_big_pos_int very_big_negative_int);
my %refused = map { ("i_$_.json" => 1) } qw(
    object_key_lone_2nd_surrogate string_1st_surrogate_but_2nd_missing
    string_1st_valid_surrogate_2nd_invalid string_UTF-16LE_with_BOM string_UTF-8_invalid_sequence
    string_UTF8_surrogate_U+D800 string_incomplete_surrogate_and_escape_valid
    string_incomplete_surrogate_pair string_incomplete_surrogates_escape_valid
    string_invalid_lonely_surrogate string_invalid_surrogate string_invalid_utf-8
    string_inverted_surrogates_U+1D11E string_iso_latin_1 string_lone_second_surrogate
    string_lone_utf8_continuation_byte string_not_in_unicode_range string_overlong_sequence_2_bytes
    string_overlong_sequence_6_bytes string_overlong_sequence_6_bytes_null string_truncated-utf-8
    string_utf16BE_no_BOM string_utf16LE_no_BOM structure_500_nested_arrays
    structure_UTF-8_BOM_empty_object);

my @files = sort glob "$suite/*.json";
open my $out, '-|', $judge, @files or die "$judge: $!";
my %said;
while (my $line = <$out>) {
    $said{ basename($1) } = $2 if $line =~ /^(.*\.json) (.*)$/;
}
close $out;
is($?, 0, 'the program ends well');

my (%count, @wrong);
for my $file (map { basename($_) } @files) {
    my $got = $said{$file} // 'nothing';
    my ($sort) = $file =~ /^([yni])_/;
    my $want = $sort eq 'y' ? (exists $twice{$file} ? 'no' : 'ok')
        : $sort eq 'n' ? 'no'
        : exists $accepted{$file} ? 'ok' : exists $refused{$file} ? 'no' : 'a choice, which this test must pin';
    my $right = $want eq 'ok' ? $got eq 'ok' : $want eq 'no' && $got =~ /^no (\d+) \S/ && $1 <= -s "$suite/$file";
    $right &&= $got =~ /stands twice$/ if exists $twice{$file};
    $count{$sort}++;
    push @wrong, "$file: wanted $want, got $got" unless $right;
}
ok(!@wrong, "all as written: $count{y} y, $count{n} n, $count{i} i");
diag($_) for @wrong;
ok($count{y} > 90 && $count{n} > 180 && $count{i} > 30, 'the suite is whole');
done_testing();
