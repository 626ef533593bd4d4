#!/usr/bin/perl
# Reload: a policy that is broken changes nothing, a good one is in force from
# the reload on, requests under way keep theirs, and no answer mixes the two.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

my $pack = $ENV{T_POLICY} // "$InteropNginx::ROOT/conf.d";
my $t = InteropEdge->start(start => 0, policy => 'conf/pack',
    server => 'add_header X-Revision $interop_policy_revision always;',
    locations => 'location = /status { interop off; interop_status; }');
my $dir = $t->dir;
system('cp', '-r', $pack, "$dir/conf/pack") == 0 or die;
my $vocabulary = $t->read_file('conf/pack/vocabulary.rules');
$t->InteropNginx::start;
$t->allow(qr/vocabulary\.rules/, qr/conf\/pack: No such file/);

sub revision { $t->teams(POST => $MESSAGES, body => $TEXT)->{headers}{'x-revision'} }
my $first = revision();
like($first, qr/^[0-9a-f]{16}$/, 'the revision is a checksum');
is($t->teams(POST => $MESSAGES, body => $BOLD)->{status}, 201, 'in force');

# broken: refused, told, and the old one goes on
$t->write('conf/pack/vocabulary.rules', "$vocabulary\nnonsense;\n");
ok(!$t->reload, 'a broken policy is refused');
like($t->error_log, qr/\[emerg\] .*vocabulary\.rules:\d+:1: unknown statement "nonsense"/, 'and says why');
is(revision(), $first, 'the running policy stays');
is(InteropEdge::verdict($t->teams(POST => $MESSAGES, body => $BOLD)), 'placeholder', 'and judges');

# gone altogether
rename "$dir/conf/pack", "$dir/conf/elsewhere" or die;
ok(!$t->reload, 'a policy that is gone is refused');
is(revision(), $first, 'the running policy stays');
rename "$dir/conf/elsewhere", "$dir/conf/pack" or die;

# the same again, and another one
$t->write('conf/pack/vocabulary.rules', $vocabulary);
ok($t->reload(wait => 1), 'the good one again');
is(revision(), $first, 'is the same policy by its revision');
my $new = $vocabulary =~ s/(reason\s+must_start_in_kaizala\s+)\d+/${1}409/r;
$new = $vocabulary =~ s/(must_start_in_kaizala\b[^;\n]*?)\b403\b/${1}409/r if $new eq $vocabulary;
isnt($new, $vocabulary, 'another status for a refusal');
$t->write('conf/pack/vocabulary.rules', $new);

# one request is being read meanwhile
my $c = $t->connect('web');
my $head = "POST $NEW/messages HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
    . 'Content-Length: ' . length($TEXT) . "\r\n\r\n";
$c->send($head . substr $TEXT, 0, 10);
$c->flush;
is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 403, 'before the reload: 403');
ok($t->reload, 'another policy is taken');
# for a moment both generations of workers accept
my $new_ones = 0;
$t->pump(sub { $new_ones = revision() eq $first ? 0 : $new_ones + 1; $new_ones > 20 }, 10);
my $second = revision();
isnt($second, $first, 'with a revision of its own');
is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 409, 'after the reload: 409');
$c->send(substr $TEXT, 10);
my $r = $c->response;
is("$r->{status} $r->{headers}{'x-revision'}", "403 $first", 'what was under way ends under its own policy');
$c->close;

# the zone and its counters go through reloads
my ($before) = $t->request(GET => '/status', port => 'web', mode => '')->{body} =~ /"requests":(\d+)/;
ok($t->reload(wait => 1), 'reload');
my ($after) = $t->request(GET => '/status', port => 'web', mode => '')->{body} =~ /"requests":(\d+)/;
cmp_ok($after, '>=', $before, 'counters are carried over');
cmp_ok($before, '>', 5, 'and had counted');

$t->done_testing;
