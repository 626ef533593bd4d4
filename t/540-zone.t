#!/usr/bin/perl
# The zone: what messages were is remembered, within bounds, by all workers,
# over reloads and the death of workers; what is gone is asked of upstream.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(http => 'interop_zone messages 256k;', conf => { workers => 2 },
    locations => 'location = /status { interop off; interop_status; }');
my $up = $t->upstream;
my $edit = '{"body":{"contentType":"text","content":"Gate 4"}}';

sub status { decode($t->request(GET => '/status', port => 'web', mode => '')->{body}) }

sub sent {
    my ($id, $body) = @_;
    $up->answers({ status => 201, json => qq({"id":"$id"}) });
    my $r = $t->teams(POST => $MESSAGES, body => $body);
    $t->got;
    return $r;
}

# an edit of what is remembered asks nobody
sent(1001, $TEXT);
sent(1002, $BOLD);
is(status()->{zone}{records}, 2, 'two messages are remembered');
for (1 .. 6) {    # whichever worker
    my $r = $t->teams(PATCH => "$MESSAGES/1001", body => $edit);
    is(InteropEdge::verdict($r), 'as_reply', 'the edit of a text');
    is(join(' ', map { $_->{method} } $t->got), 'POST', 'known: nothing is fetched');
    $r = $t->teams(PATCH => "$MESSAGES/1002", body => $edit);
    is(InteropEdge::verdict($r), 'placeholder', 'the edit of a placeholder');
    is(join(' ', map { $_->{method} } $t->got), 'POST', 'known: nothing is fetched');
}

# of what is told twice under one id the last counts, in one batch as well
sent(1003, $TEXT);
sent(1003, $BOLD);
(my $url = $MESSAGES) =~ s{^/v1\.0}{};
my $items = join ',', map { qq({"id":"$_->[0]","method":"POST","url":"$url","headers":{"Content-Type":"application/json"},"body":$_->[1]}) }
    ['a', $TEXT], ['b', $BOLD];
$up->answers({ status => 200, json => '{"responses":[' . join(',', map { qq({"id":"$_","status":201,"body":{"id":"1004"}}) } 'a', 'b') . ']}' });
is($t->teams(POST => '/v1.0/$batch', body => qq({"requests":[$items]}))->{status}, 200, 'a batch with two messages');
$t->got;
for my $id (1003, 1004) {
    my $r = $t->teams(PATCH => "$MESSAGES/$id", body => $edit);
    is(InteropEdge::verdict($r), 'placeholder', "$id: the last one was a placeholder");
    is(join(' ', map { $_->{method} } $t->got), 'POST', 'known: nothing is fetched');
}

# an unknown one is asked for once
$up->answers({ status => 200, json => '{"id":"999","messageType":"message","body":{"contentType":"text","content":"hi"}}' });
$t->teams(PATCH => "$MESSAGES/999", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'GET POST', 'unknown: fetched');
$t->teams(PATCH => "$MESSAGES/999", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'POST', 'and known from then on');

# reload, and the death of both workers
ok($t->reload(wait => 1), 'reload');
$t->teams(PATCH => "$MESSAGES/1001", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'POST', 'known after a reload');
$t->allow(qr/exited on signal 9/);
my %old = map { $_ => 1 } $t->workers;
kill KILL => keys %old;
$t->pump(sub { 2 == grep { !$old{$_} } $t->workers }, 10);
$t->teams(PATCH => "$MESSAGES/1001", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'POST', 'known after kill -9 of all workers');

# bounded: the oldest go, those in use stay
my $cells = status()->{zone}{cells};
my $n = $cells + 100;
for my $i (1 .. $n) {
    sent(5000 + $i, $TEXT);
    next if $i % 20;
    $t->teams(PATCH => "$MESSAGES/1001", body => $edit);
    $t->got;
}
my $s = status();
cmp_ok($s->{zone}{records}, '<=', $cells, "$n messages in $cells cells: bounded");
cmp_ok($s->{evicted}, '>', 90, 'old ones went');
$t->teams(PATCH => "$MESSAGES/1001", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'POST', 'the one in use is still known');
$t->teams(PATCH => "$MESSAGES/1002", body => $edit);
is(join(' ', map { $_->{method} } $t->got), 'GET POST', 'the one long unused is fetched again');
unlike($t->error_log, qr/no memory|interop zone cannot/, 'a full zone is nothing to tell of');

# of another size: a new one
$t->conf($t->front(http => 'interop_zone messages 512k;',
    locations => 'location = /status { interop off; interop_status; }'), workers => 2);
ok($t->reload(wait => 1), 'a larger zone');
is(status()->{zone}{records}, 0, 'begins empty');
cmp_ok(status()->{zone}{cells}, '>', $cells, 'and is larger');
is(InteropEdge::verdict(sent(1, $TEXT)), 'deliver', 'and works');
is(status()->{zone}{records}, 1, 'and remembers');

$t->done_testing;
