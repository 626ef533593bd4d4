#!/usr/bin/perl
# The edge's own answers: refusals in the API's envelope, drops with its
# success; their headers; HEAD; keepalive and pipelining across them.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(locations => 'error_page 403 404 503 =200 /page; location = /page { return 200 page; }');

for my $mode ('', 'chunked', 'h2') {
    my $name = $mode || 'plain';
    my $r = $t->teams(POST => "$NEW/messages", body => $TEXT, mode => $mode);
    is($r->{status}, 403, "$name, deny: 403, whatever error_page says");
    is(decode($r->{body})->{error}{code}, 'must_start_in_kaizala', "$name, deny: the reason is the code");
    like($r->{headers}{'interop-verdict'}, qr/^deny;.*reason="?must_start_in_kaizala/, "$name, deny: the header tells");
    is($r->{headers}{'cache-control'}, 'no-store', "$name, deny: not to be kept");
    is($r->{headers}{'retry-after'}, undef, "$name, deny: not to be tried again");
    is($r->{headers}{'content-length'}, length $r->{body}, "$name, deny: its length");

    $r = $t->teams(POST => "$MESSAGES/1549870200301/setReaction", body => '{"reactionType":"like"}', mode => $mode);
    is($r->{status}, 204, "$name, drop: the API's own empty success");
    is($r->{body}, '', "$name, drop: empty");
    is($r->{headers}{'content-length'}, undef, "$name, drop: 204 has no length");
    is(InteropEdge::verdict($r), 'drop', "$name, drop: the header tells");
    is($r->{headers}{'cache-control'}, undef, "$name, drop: is no refusal");

    $r = $t->teams(POST => '/v1.0/chats/nowhere/at/all', body => $TEXT, mode => $mode);
    is($r->{status}, 404, "$name, unmatched: 404");
    is(decode($r->{body})->{error}{code}, 'unmatched', "$name, unmatched: the envelope");
    is(scalar(my @none = $t->got), 0, "$name: upstream got nothing of all this");
}

# a reaction in Kaizala: its API names no empty success
{
    my $r = $t->kaizala(POST => '/v1/groups/g7/reaction',
        body => '{"referenceId":"m1","sourceGroupId":"g7","reactionType":"Like"}');
    is("$r->{status} $r->{headers}{'content-length'} $r->{body}", '202 0 ', 'drop: 202 without a body');
}

# HEAD: what GET would tell, without it
{
    my $get = $t->teams(GET => '/v1.0/chats/nowhere/at/all');
    my $head = $t->teams(HEAD => '/v1.0/chats/nowhere/at/all');
    is($head->{status}, $get->{status}, 'HEAD: the status');
    cmp_ok($head->{headers}{'content-length'}, '>', 0, 'HEAD: a length');
    is($head->{body}, '', 'HEAD: no body');
}

# six requests in one packet, answered in order, each by its own body
{
    my $one = sub {
        my ($path, $body) = @_;
        return "POST $path HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my $chunked = "POST $MESSAGES HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $TEXT, $TEXT);
    my @all = ($one->($MESSAGES, $BOLD), $one->("$NEW/messages", $TEXT), $chunked,
        $one->("$MESSAGES/1/setReaction", '{"reactionType":"like"}'), $one->('/v1.0/chats/a/b/c', 'x' x 5000),
        $one->($MESSAGES, $TEXT));
    for my $step (0, 7) {
        my $c = $t->connect('web');
        $c->send(join('', @all), $step);
        is(join(' ', map { $c->response->{status} } @all), '201 403 201 204 404 201', 'pipelined, in order');
        my @got = $t->got;
        is(scalar @got, 3, 'upstream got three of six');
        like($got[0]{body}, qr/Unsupported message/, 'the first a placeholder');
        is($got[$_]{body}, $TEXT, 'the others as they came') for 1, 2;
        ok(!$c->{eof}, 'the connection is kept');
        $c->close;
    }
}

$t->done_testing;
