#!/usr/bin/perl
# Facts by subrequest: an unknown original from upstream, with the client's
# credentials, and records from interop_resolve. The client sees nothing of
# either, and what fails leaves the fact missing, never guessed.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $edit = '{"body":{"contentType":"text","content":"Gate 4"}}';
sub original { my ($id, $more) = @_; return { status => 200, json =>
    qq({"id":"$id","messageType":"message","body":{"contentType":"text","content":"hi"}$more}) } }

# an unknown original
{
    my $t = InteropEdge->start(locations => <<'END');
        location /v1.0/other/ { rewrite ^/v1.0/other(/.*)$ /v1.0$1 break;
            error_page 404 /page; proxy_intercept_errors on; proxy_pass http://%%UPSTREAM%%; }
        location = /page { return 200 page; }
        location /v1.0/off-buffering/ { rewrite ^/v1.0/off-buffering(/.*)$ /v1.0$1 break;
            proxy_buffering off; proxy_pass http://%%UPSTREAM%%; }
END
    my $up = $t->upstream;
    my $id = 2000;
    for my $mode ('', 'chunked', 'h2', 'slow') {
        for my $size (0, 10_000, 500_000) {    # far over subrequest_output_buffer_size
            my $name = ($mode || 'plain') . ", original of $size bytes more";
            my $n = ++$id;
            $up->answers(original($n, $size ? ',"summary":"' . 'z' x $size . '"' : ''), { status => 201, json => '{"id":"1"}' });
            my $r = $t->teams(PATCH => "$MESSAGES/$n", body => $edit, mode => $mode, headers => {
                Authorization => 'Bearer of the client', 'Accept-Encoding' => 'gzip', 'If-None-Match' => '"x"', Range => 'bytes=0-3' });
            my @got = $t->got;
            is(InteropEdge::verdict($r), 'as_reply', "$name: judged by it");
            is($r->{status}, 204, "$name: the answer is to the edit");
            is(join(' ', map { $_->{method} } @got), 'GET POST', "$name: fetched, then sent");
            is($got[0]{uri}, "$MESSAGES/$n", "$name: from where it is");
            is($got[0]{headers}{authorization}, 'Bearer of the client', "$name: with the client's credentials");
            is($got[0]{body}, '', "$name: without a body");
            is_deeply([ grep { /^(?:content-|transfer-|accept-encoding|if-|range)/ } sort keys %{ $got[0]{headers} } ], [],
                "$name: nor what belongs to one, or to a part of it");
            is($got[1]{headers}{authorization}, 'Bearer of the client', "$name: the message is the client's");
            is($got[1]{headers}{'content-length'}, length $got[1]{body}, "$name: and whole");
        }
    }
    # what is fetched in a location with other habits
    for my $place (qw(other off-buffering)) {
        $up->answers(original(++$id, ''), { status => 201, json => '{"id":"1"}' });
        my $r = $t->teams(PATCH => ($MESSAGES =~ s/v1.0/v1.0\/$place/r) . "/$id", body => $edit);
        is("$r->{status} " . InteropEdge::verdict($r), '204 as_reply', "$place: fetched all the same");
        $t->got;
    }
    # failures: the original counts as unsupported
    for my $failure ([ 'not found' => { status => 404, json => '{}' } ], [ 'refused' => { status => 401, json => '{}' } ],
                     [ 'upstream gone' => { close => 'before' } ], [ 'upstream dies' => { %{ original(1, '') }, close => 'within' } ],
                     [ 'no JSON' => { status => 200, text => '<html>' } ],
                     [ 'compressed' => { %{ original(1, '') }, headers => { 'Content-Encoding' => 'gzip' } } ],
                     [ 'too large' => original(1, ',"summary":"' . 'z' x 1_200_000 . '"') ]) {
        my ($name, $answer) = @$failure;
        for my $place ('', 'other/') {
            $id++;
            $up->answers($answer, { status => 201, json => '{"id":"1"}' });
            my $r = $t->teams(PATCH => ($MESSAGES =~ s/v1.0\//v1.0\/$place/r) . "/$id", body => $edit);
            my @got = $t->got;
            is(InteropEdge::verdict($r), 'placeholder', "$name $place: counts as unsupported");
            is(join(' ', map { $_->{method} } @got), 'GET POST', "$name $place: asked once");
            unlike($r->{raw}, qr/zzz|<html>|page|hi"/, "$name $place: nothing of it reaches the client");
        }
    }
    # the client goes away meanwhile
    $up->answers({ %{ original(++$id, '') }, delay => 0.3 });
    my $c = $t->connect('web');
    $c->send("PATCH $MESSAGES/$id HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($edit) . "\r\n\r\n$edit");
    $t->pump(sub { @{ $up->requests } }, 5);
    $c->close;
    $t->pump(sub { 0 }, 0.6);
    is($t->teams(POST => $MESSAGES, body => $TEXT)->{status}, 201, 'a client that went away: the next is served');
    $t->finish;
}

# records that somebody else keeps
{
    my $t = InteropEdge->start(facts => 0, locations => <<'END', server => <<'CONF');
        location /facts/ { internal; interop off; proxy_pass http://%%UPSTREAM:facts%%; }
        location = /status { interop off; interop_status; }
END
        interop_resolve tenant /facts/tenant;
        interop_resolve user /facts/user;
        interop_resolve conversation /facts/conversation;
CONF
    my $facts = $t->upstream('facts');
    my %record;
    for my $line (split /\n/, InteropEdge::world()) {
        my $r = decode($line);
        my $plain = $line =~ s/"kind":"\w+",//r;
        $record{"$r->{kind} $_"} = $plain for $r->{id}, @{ $r->{aliases} || [] };
    }
    $facts->default(sub {
        my ($q) = $_[0]{uri} =~ /\?(.*)/;
        my %q = map { my ($n, $v) = split /=/; $v =~ s/%(..)/chr hex $1/ge; ($n => $v) } split /&/, $q;
        my $r = $record{"$q{kind} $q{id}"};
        return $r ? { status => 200, json => $r } : { status => 404, json => '{}' };
    });
    my $r = $t->teams(POST => $MESSAGES, body => $BOLD);
    is(InteropEdge::verdict($r), 'placeholder', 'resolved: judged by what was brought') or diag($t->error_log);
    like($t->got->{body}, qr/Unsupported message/, 'resolved: and rewritten');
    my $asked = @{ $facts->requests };
    cmp_ok($asked, '>=', 4, 'resolved: tenant, users and conversation were asked for');
    is_deeply([ grep { $_->{method} ne 'GET' || length $_->{body} } @{ $facts->requests } ], [], 'resolved: by GET');
    $r = $t->teams(POST => $MESSAGES, body => $TEXT);
    is(InteropEdge::verdict($r), 'deliver', 'resolved: again');
    is(scalar @{ $facts->requests }, $asked, 'resolved: kept in the zone, nobody is asked');
    $t->got;
    # what is not known there is missing, and asked for once in a request
    my %times;
    $facts->reset;
    $r = $t->teams(POST => '/v1.0/chats/19:unknown@unq.gbl.spaces/messages', body => $TEXT);
    is($r->{status}, 403, 'not known there either: undetermined');
    like(InteropEdge::reason($r), qr/^undetermined:/, 'and says of what');
    $times{ $_->{uri} }++ for @{ $facts->requests };
    is_deeply([ grep { $_ > 1 } values %times ], [], 'each is asked for once');
    is(scalar(my @none = $t->got), 0, 'upstream gets nothing');
    # nonsense
    $facts->default({ status => 200, json => '["no record"]' });
    $r = $t->teams(POST => '/v1.0/chats/19:other@unq.gbl.spaces/messages', body => $TEXT);
    is($r->{status}, 403, 'no record: undetermined');
    like($t->error_log, qr/interop_resolve of conversation "19:other\@unq\.gbl\.spaces" brought no record: not valid/, 'and told');
    $t->finish;
}
done_testing();
