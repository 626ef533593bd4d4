#!/usr/bin/perl
# X-5, section 10: a body over the limit is refused with 413 in the API's own
# envelope and never passes, whatever its form and whoever noticed: the module,
# by the declared length or while reading, or nginx's client_max_body_size.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(edition => '2019-04', server => 'interop_max_body 20k;', locations => <<'END');
    location /beta/ { client_max_body_size 10k; proxy_pass http://%%UPSTREAM%%; }
    location /v1.0/large/ {
        rewrite ^/v1.0/large(/.*)$ /v1.0$1 break;
        interop_max_body 2m; client_max_body_size 0; proxy_pass http://%%UPSTREAM%%;
    }
    location /v1.0/page/ {
        rewrite ^/v1.0/page(/.*)$ /v1.0$1 break;
        client_max_body_size 10k; error_page 413 /own-page; proxy_pass http://%%UPSTREAM%%;
    }
    location = /own-page { interop off; return 413 "own page"; }
    # a page that upstream makes, in a location that is judged
    location /v1.0/asked/ {
        rewrite ^/v1.0/asked(/.*)$ /v1.0$1 break;
        client_max_body_size 10k; error_page 413 /apology; proxy_pass http://%%UPSTREAM%%;
    }
    location = /apology { proxy_pass http://%%UPSTREAM%%; }
END
$t->allow(qr/client intended to send too large/);

sub refused {
    my ($r, $name) = @_;
    is($r->{status}, 413, "$name: 413");
    is(eval { decode($r->{body})->{error}{code} }, 'body_too_large', "$name: in the API's envelope") or diag($r->{raw});
    like($r->{headers}{'content-type'}, qr/^application\/json/, "$name: as JSON");
    is(InteropEdge::verdict($r) . ' ' . InteropEdge::reason($r), 'deny body_too_large', "$name: the header tells");
    is($r->{headers}{'cache-control'}, 'no-store', "$name: not to be kept");
    is(scalar(my @none = $t->got), 0, "$name: upstream gets nothing");
}

my ($over) = bold(20 * 1024 + 1);
my ($at) = bold(20 * 1024);
for my $mode ('', 'chunked', 'h2') {
    my $name = $mode || 'plain';
    refused($t->teams(POST => $MESSAGES, body => $over, mode => $mode), "$name, one byte over");
    is($t->teams(POST => $MESSAGES, body => $at, mode => $mode)->{status}, 201, "$name, at the limit: passes");
    $t->got;
}

# over HTTP/2 without a declared length; curl may lose the answer to a reset
# stream, as it may with nginx's own, and is asked again
{
    my ($status, $out, $tries);
    do { ($status, $out) = $t->run('curl', '-q', '-s', '-i', '--http2-prior-knowledge', '-H', 'X-User: jonas',
        '-H', 'Content-Type: application/json', '-H', 'Expect:', '-T', '-',
        '-X', 'POST', 'http://127.0.0.1:' . $t->port('h2') . $MESSAGES, { stdin => $over });
    } until $out =~ /^HTTP/ || ++$tries == 10;
    like($out, qr/^HTTP\/2 413/, 'h2, length unknown: 413');
    like($out, qr/"body_too_large"/, 'h2, length unknown: in the envelope');
    is(scalar(my @none = $t->got), 0, 'h2, length unknown: upstream gets nothing');
}

# nginx's own limit, which is noticed before or while the body is read
my ($over10) = bold(12 * 1024);
my $small = $MESSAGES =~ s/v1.0/beta/r;
refused($t->teams(POST => $small, body => $over10), 'client_max_body_size, declared');
refused($t->teams(POST => $small, body => $over10, mode => 'chunked'), 'client_max_body_size, chunked');

# a page of one's own is left alone
{
    my $r = $t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/page/r, body => $over10);
    is("$r->{status} $r->{body}", '413 own page', 'error_page 413 is the administrator\'s');
}

# (with a chunked body nginx itself never asks upstream for its error page)
{
    my $r = $t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/asked/r, body => $over10);
    my @got = $t->got;
    is("@{[ map { $_->{uri} } @got ]}", '/apology', "an error page of upstream's is asked for, the message is not sent");
}

# larger than any buffer, from a temporary file
my ($big, $text) = bold(1_500_000);
for my $mode ('', 'chunked') {
    is($t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/large/r, body => $big, mode => $mode)->{status}, 201,
        'a higher limit of its own ' . ($mode || 'plain'));
    ok(decode($t->got->{body})->{body}{content} eq $text, 'rewritten whole ' . ($mode || 'plain'));
}

# outside of what is guarded the limit is not ours
{
    my $r = $t->teams(PUT => '/files/x', body => 'y' x 100_000, headers => { 'Content-Type' => 'image/png' });
    is(length $t->got->{body}, 100_000, 'outside: no limit of ours');
}

# the connection goes on: what was refused was read or is not waited for
{
    my $c = $t->connect('web');
    my $head = "POST $MESSAGES HTTP/1.1\r\nHost: a\r\nX-User: jonas\r\nContent-Type: application/json\r\n";
    $c->send($head . 'Content-Length: ' . length($over) . "\r\n\r\n$over");
    is($c->response->{status}, 413, 'keepalive: refused');
    $c->send($head . 'Content-Length: ' . length($TEXT) . "\r\n\r\n$TEXT");
    my $r = $c->response;
    ok($r->{status} == 201 || $r->{eof}, 'keepalive: the next is served, or the connection closed, never misread');
    $c->close;
}

$t->done_testing;
