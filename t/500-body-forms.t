#!/usr/bin/perl
# X-5: every form in which a body can come is read whole, judged, and either
# forwarded byte for byte or rewritten, with no trace of what it was.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(edition => '2019-04',
    locations => 'location /v1.0/unbuffered { rewrite ^/v1.0/unbuffered(/.*)$ /v1.0$1 break;
        proxy_request_buffering off; proxy_pass http://%%UPSTREAM%%; }');

# bytes: one buffer, two buffers (the head's and a second), a temporary file
my @sizes = (100, 6000, 9000, 60_000);
for my $mode ('', 'chunked', 'h2', 'slow') {
    for my $size (@sizes) {
        next if $mode eq 'slow' && $size > 6000;
        my $name = ($mode || 'plain') . ", $size bytes";
        my ($body, $text) = bold($size);
        my $r = $t->teams(POST => $MESSAGES, body => $body, mode => $mode);
        my $got = $t->got;
        is($r->{status}, 201, "$name: answered");
        is(InteropEdge::verdict($r), 'plain_text', "$name: judged");
        is(decode($got->{body})->{body}{content}, $text, "$name: rewritten");
        is($got->{headers}{'content-length'}, length $got->{body}, "$name: with its own length");
        is($got->{headers}{'transfer-encoding'}, undef, "$name: and only that");
        unlike($got->{body}, qr/<b>/, "$name: nothing of the old body");

        my $plain = $body =~ s/html/text/r =~ s/<p><b>|<\/b><\/p>//gr;
        $r = $t->teams(POST => $MESSAGES, body => $plain, mode => $mode);
        is(InteropEdge::verdict($r), 'deliver', "$name: text is delivered");
        is($t->got->{body}, $plain, "$name: byte for byte");

        $t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/unbuffered/r, body => $body, mode => $mode);
        is(decode($t->got->{body})->{body}{content}, $text, "$name: proxy_request_buffering off is no way past");
    }
}

# the client waits to be asked for its body
{
    my ($body, $text) = bold(300);
    my $c = $t->connect('web');
    my $head = "POST $MESSAGES HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\nExpect: 100-continue\r\n\r\n";
    $c->send($head);
    ok($t->pump(sub { $c->received =~ /100 Continue/ }, 5), 'Expect: asked for the body');
    $c->send($body);
    is($c->response->{status}, 201, 'Expect: answered');
    is(decode($t->got->{body})->{body}{content}, $text, 'Expect: rewritten');
    $c->close;
}

# a body where the operation has none is judged all the same
{
    my $r = $t->teams(GET => $CHAT, body => '{"a":1,"a":2}');
    is($r->{status}, 400, 'a body on a GET is parsed');
    is(InteropEdge::reason($r), 'malformed_body', 'and refused where two parsers could differ');
    is(scalar(my @none = $t->got), 0, 'upstream gets nothing');
}

# what is not guarded passes, its body unread, whatever it is
for my $mode ('', 'chunked', 'h2') {
    my $bytes = join '', map { chr } 0 .. 255;
    my $r = $t->teams(PUT => '/files/x', body => $bytes, mode => $mode, headers => { 'Content-Type' => 'image/png' });
    is($t->got->{body}, $bytes, 'outside: untouched ' . ($mode || 'plain'));
    is($r->{headers}{'interop-verdict'}, undef, 'outside: nothing is told');
}

# a client that goes away in the middle leaves nothing behind
{
    for my $n (0, 1, 50, 5000) {
        my $c = $t->connect('web');
        $c->send("POST $MESSAGES HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n"
            . "Content-Length: 6000\r\n\r\n" . 'x' x $n);
        $c->flush;
        $c->close;
    }
    is($t->teams(POST => $MESSAGES, body => $TEXT)->{status}, 201, 'clients that went away: the next is served');
    is(scalar(my @one = $t->got), 1, 'and nothing of theirs was forwarded');
}

$t->done_testing;
