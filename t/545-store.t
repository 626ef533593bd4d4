#!/usr/bin/perl
# The store: missing, damaged or full, requests that need it get 503 and are
# told when to come again; others go on; one log line a minute; no worker dies;
# and when it is back, so are they. What is acknowledged is on disk.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

sub unavailable {
    my ($t, $name, $r) = @_;
    is($r->{status}, 503, "$name: 503");
    is(eval { decode($r->{body})->{error}{code} }, 'store_unavailable', "$name: in the API's envelope") or diag($r->{raw});
    is($r->{headers}{'retry-after'}, 1, "$name: Retry-After");
    is($r->{headers}{'cache-control'}, 'no-store', "$name: not to be kept");
}

# it cannot be opened: something else is where it should be
{
    my $t = InteropEdge->start(facts => 0, store => 'interop_store %%DIR%%/conf/file size=16m;', start => 0,
        locations => 'location = /status { interop off; interop_status; }');
    my $file = $t->write('conf/file', 'this is no store');
    $t->InteropNginx::start;
    for my $i (1 .. 5) {
        unavailable($t, "no store, $i", $t->teams(POST => $MESSAGES, body => $TEXT));
    }
    is(scalar(my @none = $t->got), 0, 'upstream got nothing');
    is($t->teams(GET => '/elsewhere')->{status}, 201, 'what is not guarded goes on');
    $t->got;
    is($t->teams(POST => '/v1.0/chats/a/b/c', body => '{}')->{status}, 404, 'what needs no facts is judged');
    my @told = $t->error_log =~ /\[error\].*interop store/g;
    is(scalar @told, 1, 'told once') or diag($t->error_log);
    like($t->error_log, qr/interop store "[^"]+\/conf\/file" failed: /, 'and which');
    like($t->request(GET => '/status', port => 'web', mode => '')->{body}, qr/"unavailable":5,/, 'and counted');

    # it comes back while nginx runs
    unlink $file;
    $t->facts(InteropEdge::world());
    rename $t->dir . '/store', $file or die;
    ok($t->pump(sub { my $r = $t->teams(POST => $MESSAGES, body => $TEXT); $r->{status} == 201 }, 5), 'back again');
    $t->got;
    $t->finish;
}

# no facts at all is no outage
{
    my $t = InteropEdge->start(facts => 0);
    my $r = $t->teams(POST => $MESSAGES, body => $TEXT);
    is($r->{status}, 403, 'an empty store: undetermined, not unavailable');
    ok(-e $t->dir . '/store/data.mdb', 'it was made at the start');
    $t->finish;
}

# damaged
{
    my $t = InteropEdge->start(start => 0);
    my $data = $t->read_file('store/data.mdb');
    $t->write('store/data.mdb', 'x' x length $data);
    $t->InteropNginx::start;
    unavailable($t, 'a damaged store', $t->teams(POST => $MESSAGES, body => $TEXT));
    is(scalar($t->workers), 1, 'the worker lives');
    $t->finish;
}

# full: what upstream has accepted but could not be written is not acknowledged
{
    my $t = InteropEdge->start(store => 'interop_store %%DIR%%/store size=256k;', facts => 0, start => 0);
    my $import = sub {
        my ($status, $out) = $t->ctl('import', '--store', $t->dir . '/store', '--size', '256k', $t->write('more.jsonl', $_[0]));
        return $status;
    };
    # writing g8 again takes more pages than the last record that did not go in
    my $world = InteropEdge::world() =~ s/("id":"g8",)/sprintf '%s"topic":"%s",', $1, 'x' x 20_000/er;
    is($import->($world), 0, 'full: there is room in the beginning');
    my $n = 0;
    for my $step (20, 5, 1) {    # until not one more goes in
        1 while $n < 5000 && !$import->(join '', map {
            sprintf qq({"kind":"conversation","id":"filler-%d-%s","type":"group"}\n), ++$n, 'x' x 400 } 1 .. $step);
    }
    cmp_ok($n, '<', 5000, 'full: then there is none');
    $t->InteropNginx::start;
    my $ruth = sub { $t->kaizala(POST => '/v1/groups/g8/messages', body => '{"message":"Gate 3"}',
        headers => { 'X-User' => 'ruth' }) };
    unavailable($t, 'full', $ruth->()) for 1 .. 3;
    is(scalar(my @all = $t->got), 3, 'full: upstream had accepted, which the client must not be told');
    my @told = $t->error_log =~ /interop store "[^"]+" failed: full: /g;
    is(scalar @told, 1, 'full: told once');
    is(InteropEdge::verdict($t->teams(POST => $MESSAGES, body => $TEXT)), 'deliver', 'full: what only reads goes on');
    # room again
    is(($t->ctl('import', '--store', $t->dir . '/store', '--size', '1m', $t->write('one.jsonl',
        sprintf qq({"kind":"conversation","id":"one-more","topic":"%s"}\n), 'x' x 40_000)))[0], 0, 'full: made larger while nginx runs');
    is($ruth->()->{status}, 201, 'full: and it is written');
    is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 201, 'full: and acted upon');
    $t->finish;
}

# what was acknowledged is there, at once and for every process
{
    my $t = InteropEdge->start(conf => { workers => 2 });
    my $ruth = sub { $t->kaizala(POST => '/v1/groups/g8/messages', body => '{"message":"Gate 3"}',
        headers => { 'X-User' => 'ruth' }, @_) };
    $t->upstream->answers({ status => 500, json => '{}' });
    is($ruth->()->{status}, 500, 'upstream failed');
    is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 403, 'nothing was started');
    $t->upstream->answers({ status => 200, json => '{"referenceId":"m"}', close => 'within' });
    is($ruth->()->{status}, 502, 'upstream died within its answer: 502, not half of it');
    is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 403, 'nothing was started');
    $t->upstream->answers({ close => 'before' });
    is($ruth->()->{status}, 502, 'upstream died before its answer');
    is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 403, 'nothing was started');
    $t->got;
    is($ruth->()->{status}, 201, 'accepted');
    my ($status, $out) = $t->ctl('conversation', 'show', 'g8', '--store', $t->dir . '/store');
    like($out, qr/started\W+true/, 'another process sees it');
    is($t->teams(POST => "$NEW/messages", body => $TEXT)->{status}, 201, 'both ways work') for 1 .. 4;
    $t->finish;
}
done_testing();
