#!/usr/bin/perl
# Request headers: nobody speaks for the edge (Interop-*), nobody makes upstream
# do another thing than was judged (method overrides), no two readings of a type.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(locations => <<'END');
    location /v1.0/native/ {
        rewrite ^/v1.0/native(/.*)$ /v1.0$1 break;
        interop_leg native; proxy_pass http://%%UPSTREAM%%;
    }
    location /v1.0/off/ { interop off; proxy_pass http://%%UPSTREAM%%; }
}
server {
    listen %%ADDR:under%%;
    underscores_in_headers on;
    interop_api graph;
    location / { proxy_pass http://%%UPSTREAM%%; }
}
server {
    listen %%ADDR:tunnel%%;
    interop_api graph;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    proxy_set_header X-User "";
    location / { proxy_pass http://%%UPSTREAM%%; }
END

my %evil = ('Interop-Cross' => 'kaizala;verdict=deliver', 'interop-verdict' => 'deliver', 'INTEROP-ANYTHING' => 'x');
my %override = ('X-HTTP-Method-Override' => 'DELETE', 'x-http-method' => 'DELETE', 'X-METHOD-OVERRIDE' => 'DELETE',
    'X-Original-URL' => '/v1.0/me', 'X-Rewrite-URL' => '/v1.0/me');
my %kept = map { ("X-Kept-$_" => $_) } 1 .. 45;    # more than one part of nginx's list
my @names = map { lc } sort keys %kept;

for my $mode ('', 'h2') {
    my $name = $mode || 'plain';
    my $all = { %evil, %override, %kept, 'Interop-' => 'not a name of ours', Interop => 'nor this' };
    $t->teams(POST => $MESSAGES, body => $TEXT, mode => $mode, headers => $all);
    my $got = $t->got;
    is_deeply([ grep { /^interop-./ } keys %{ $got->{headers} } ], [], "$name: no Interop-* reaches upstream");
    is_deeply([ grep { /method|-url/ } keys %{ $got->{headers} } ], [], "$name: no override does");
    is_deeply([ sort grep { /^x-kept/ } keys %{ $got->{headers} } ], \@names, "$name: all others do");
    is($got->{headers}{interop}, 'nor this', "$name: names that only begin so are others'");
    is($got->{body}, $TEXT, "$name: the body is whole");

    # rewritten: the header list is written to after it was cut
    $t->teams(POST => $MESSAGES, body => $BOLD, mode => $mode, headers => $all);
    $got = $t->got;
    is_deeply([ sort grep { /^x-kept/ } keys %{ $got->{headers} } ], \@names, "$name, rewritten: all others are there");
    is($got->{headers}{'content-length'}, length $got->{body}, "$name, rewritten: one length, the right one");
    is_deeply([ grep { /^interop-./ } keys %{ $got->{headers} } ], [], "$name, rewritten: no Interop-*");

    $t->teams(GET => '/elsewhere', mode => $mode, headers => { %evil, %override });
    $got = $t->got;
    is_deeply([ grep { /^interop-./ } keys %{ $got->{headers} } ], [], "$name, outside: no Interop-* either");
    is(scalar(grep { /method|-url/ } keys %{ $got->{headers} }), 5, "$name, outside: overrides are not ours to remove");

    $t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/off/r, body => $TEXT, mode => $mode, headers => {%evil});
    is(scalar(grep { /^interop-./ } keys %{ $t->got->{headers} }), 3, "$name, off: nothing is touched");
}

# only what is taken out is there: the list is empty for a moment
{
    my $c = $t->connect('web');
    $c->send("GET /v1.0/me HTTP/1.0\r\nInterop-A: 1\r\n\r\n");
    is($c->response->{status}, 201, 'a request with nothing else');
    is($t->got->{headers}{'interop-a'}, undef, 'and without it');
    $c->close;
}

# where nginx lets underscores in they are hyphens to many an upstream
{
    my %spelt = (Interop_Cross => 'kaizala;verdict=deliver', INTEROP_VERDICT => 'deliver', X_HTTP_Method_Override => 'DELETE',
        'X_HTTP-METHOD' => 'DELETE', Interops_kept => 'x');
    $t->request(POST => $MESSAGES, port => 'under', body => $TEXT,
        headers => { 'Content-Type' => 'application/json', 'X-User' => 'jonas', %spelt });
    is_deeply([ grep { /_/ } keys %{ $t->got->{headers} } ], ['interops_kept'], 'underscores: none of them reaches upstream');
    my $r = $t->request(POST => $MESSAGES, port => 'under', body => $TEXT,
        headers => { 'Content-Type' => 'application/json', Content_Type => 'text/html', 'X-User' => 'jonas' });
    is($r->{status}, 415, 'underscores: another type is a second one');
    is(scalar(my @none = $t->got), 0, 'underscores: upstream gets nothing of it');
}

# a tunnel would carry requests that nobody judges
for my $case ([ POST => $MESSAGES, 'websocket', undef ], [ GET => $MESSAGES, 'h2c', undef ],
              [ GET => '/v1.0/me', 'h2c', undef ], [ GET => '/v1.0/me', 'foo, H2C', undef ],
              [ GET => '/v1.0/me', 'HTTP/2.0', undef ], [ GET => '/v1.0/me', 'websocket', 'websocket' ]) {
    my ($method, $target, $upgrade, $want) = @$case;
    my $c = $t->connect('tunnel');
    my $body = $method eq 'POST' ? $TEXT : '';
    my $answer = $want || $upgrade;
    $t->upstream->answers({ status => 101, headers => { Upgrade => $answer, Connection => 'Upgrade' } });
    $c->send("$method $target HTTP/1.1\r\nHost: x\r\nX-User: jonas\r\nUpgrade: $upgrade\r\nConnection: Upgrade\r\n"
        . ($body ? "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n" : '') . "\r\n$body");
    $t->pump(sub { @{ $t->upstream->requests } }, 10);
    is($t->got->{headers}{upgrade}, $want, "Upgrade: $upgrade with $method $target: " . ($want ? 'goes on' : 'does not go on'));
    $c->close;
    $t->upstream->reset;
}

# the native leg tells the fan-out, in one header of ours
{
    $t->teams(POST => $MESSAGES =~ s/v1.0/v1.0\/native/r, body => $BOLD, headers => {%evil});
    my $got = $t->got;
    like($got->{headers}{'interop-cross'}, qr/^kaizala;/, 'native: Interop-Cross is there');
    like($got->{headers}{'interop-cross'}, qr/verdict=placeholder/, 'native: with our verdict, not the client\'s');
    is($got->{body}, $BOLD, 'native: the request as it came');
}

# a type that can be read in two ways is none
for my $case ([ 'two types' => { 'Content-Type' => [ 'application/json', 'text/plain' ] } ],
              [ 'the same type twice' => { 'Content-Type' => [ 'application/json', 'application/json' ] } ],
              [ 'a compressed body' => { 'Content-Encoding' => 'gzip' } ],
              [ 'an identity and a compression' => { 'Content-Encoding' => [ 'identity', 'gzip' ] } ],
              [ 'no type at all' => { 'Content-Type' => undef } ]) {
    my ($name, $headers) = @$case;
    my $r = $t->teams(POST => $MESSAGES, body => $TEXT, headers => $headers);
    is($r->{status}, 415, "$name: 415") or diag($r->{raw});
    is(eval { decode($r->{body})->{error}{code} }, 'unsupported_media_type', "$name: the envelope");
    is(scalar(my @none = $t->got), 0, "$name: upstream gets nothing");
}

# the sender is what the configuration says, never a header of the client's choice
{
    my $r = $t->teams(POST => $MESSAGES, body => $TEXT, headers => { 'X-User' => undef });
    is($r->{status}, 403, 'nobody is no sender');
    like(InteropEdge::reason($r), qr/^undetermined:/, 'it is undetermined');
}

$t->done_testing;
