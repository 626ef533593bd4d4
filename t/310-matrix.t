#!/usr/bin/perl
# interopctl matrix: the tables it reads off the compiled policy, against golden
# ones and, where the documentation they come from lies beside the repository,
# against its own tables, row by row.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp copy_policy edit);

plan skip_all => "$CTL is not built" unless -x $CTL;

my @pairs = (['kaizala', 'teams', 'Kaizala'], ['teams', 'kaizala', 'Teams']);

# cells of a Markdown table's lines, the rule under the head left out
sub cells {
    my ($text) = @_;
    return map { [map { s/^\s+|\s+$//gr } split /\|/, substr $_, 1] }
        grep { /^\|/ && !/^\|[-|]+\|$/ } split /\n/, $text;
}

sub table { my ($from, $to, @more) = @_; return run('matrix', $from, $to, @more, '--policy', 'conf.d', { in => $ROOT }) }

# ---------------------------------------------------------------- golden ones

for (@pairs) {
    my ($from, $to) = @$_;
    for my $form (['text', 'txt'], ['markdown', 'md', '--markdown'], ['json', 'json', '--json']) {
        my ($name, $ending, @option) = @$form;
        my ($code, $out, $err) = table($from, $to, @option);
        is($code, 0, "$from to $to as $name is good");
        is($err, '', "$from to $to as $name: no warning");
        is($out, slurp("$ROOT/t/lang/matrix-$from-$to.$ending"), "$from to $to as $name is the golden one");
    }
}

# ------------------------------------------------- the documentation's tables

SKIP: {
    my ($seed) = glob "$ROOT/../shared/seeds/000_*.txt";
    skip '../shared/seeds/000_*.txt is not there', 1 unless $seed;
    my $text = slurp($seed);
    for (@pairs) {
        my ($from, $to, $title) = @$_;
        my ($part) = $text =~ /^##### Messages sent in $title\n\n((?:\|.*\n)+)/m;
        my @want = cells($part // '');
        my @got = cells((table($from, $to, '--markdown'))[1]);
        cmp_ok(scalar @want, '>', 5, "the documentation has a table of what is sent in $title");
        is(scalar @got, scalar @want, "as many rows as in the documentation for $title");
        is("@{ $got[$_] }[0, 1] -> $got[$_][2]", "@{ $want[$_] }[0, 1] -> $want[$_][2]", "row: $want[$_][1]") for 0 .. $#want;
    }
}

# ------------------------------------- it is the policy that the table tells

copy_policy('changed');
edit('changed/policies/teams-kaizala.rules', qr/message\.send +action_card +placeholder +action_card_unsupported/,
    'message.send  action_card  drop  event_not_shown');
like((run('matrix', 'kaizala', 'teams', '--policy', 'changed'))[1], qr/^Message +Action card +None$/m, 'another verdict, another row');

edit('changed/vocabulary.rules', qr/one of 2018-12 2019-04 +default 2018-12/, 'one of 2018-12 2019-04  default 2019-04');
my $later = (run('matrix', 'teams', 'kaizala', '--policy', 'changed'))[1];
like($later, qr/^Message +Rich text[^\n]+ Simple text message$/m, 'another default, another row');
like($later, qr/sender\.tenant\.edition\.teams_kaizala = 2019-04\.$/, 'and the caption says which');

copy_policy('open');
edit('open/vocabulary.rules', qr/toggle interop\.attachments +default off/, 'toggle interop.attachments default on');
like((run('matrix', 'teams', 'kaizala', '--policy', 'open'))[1],
    qr/^Message +Attachment +The same message or unsupported card$/m, 'kinds that come out differently are told together');

my ($code, $all) = run('matrix', 'teams', 'kaizala', '--all');
is($code, 0, '--all is good');
like($all, qr/^Message +message\.edit text +If unsupported, then unsupported message$/m, 'and tells every operation');
like($all, qr/^Message +typing +None$/m, 'events too');
my ($same, $native) = run('matrix', 'teams', 'teams');
like($native, qr/^Message +Text +Text message$/m, 'within one system all is delivered');

# ------------------------------------------------------- every pair of systems

my @systems = slurp("$ROOT/conf.d/vocabulary.rules") =~ /^system (\w+)/mg;
cmp_ok(scalar @systems, '>=', 4, 'there are systems');
for my $from (@systems) {
    for my $to (grep { $_ ne $from } @systems) {
        my ($code, $out) = table($from, $to, '--markdown');
        my @rows = cells($out);
        is("$code " . (@rows > 4), '0 1', "$from to $to: a table");
        like($out, qr/^Ordinary one-on-one conversation that was started: .*\.$/m, "$from to $to: and what it assumes");
    }
}
like((table('acs', 'teams'))[1], qr/^Message +Images and files +Message without what is not supported there$/m, 'a strip is told');
like((table('teams', 'sfb'))[1], qr/^Message +GIF +Refused$/m, 'a denial of a matrix is told');
my ($set) = (table('acs', 'teams'))[1] =~ / toggles are unset but for (.*), which let it cross/;
is_deeply([ sort split /, /, $set // '' ], [ 'EnableAcsUsers', 'acs.preview', 'acs_resources' ], 'what has to be set is named');

# -------------------------------------------------------------- row by row

my ($good, $rows) = run('matrix', '--rows', '--policy', 'conf.d', { in => $ROOT });
is($good, 0, '--rows is good');
like($rows, qr/^KT-15 +teams_kaizala +placeholder +gif_unsupported +GIFs cannot be shown there\.$/m, 'a row of a matrix');
like($rows, qr/^SB-2 +sfb_teams +deny +islands /m, 'a row of a gate');
like((run('matrix', '--rows', '--json', '--policy', 'conf.d', { in => $ROOT }))[1],
    qr/^ \{"row":"AC-13","policy":"acs_teams","verdict":"strip","reason":"images_not_supported","why":"[^"]+"\},$/m, 'as JSON');
my ($bad, undef, $said) = run('matrix', '--rows', 'teams');
is("$bad $said", "2 interopctl matrix: --rows takes no systems\n  interopctl matrix --help tells how\n", '--rows with a system');
done_testing();
