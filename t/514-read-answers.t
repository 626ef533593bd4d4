#!/usr/bin/perl
# Answers that are for one reader alone: read whole in whatever form they come,
# or refused; ranges, compression, validators, HEAD, caches, redirects of
# upstream's own, subrequests. Who needs nothing of it gets it as it streams.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $chat = '/v1.0/chats/19:late@thread.v2/messages';
my $t = InteropEdge->start(facts => 0, start => 0, http => <<'H', server => 'proxy_buffers 4 4k; proxy_busy_buffers_size 8k;', locations => <<'END');
    proxy_cache_path %%DIR%%/cache keys_zone=c:1m inactive=1h;
H
    location /direct/ { rewrite ^/direct(/.*)$ $1 break; proxy_buffering off; proxy_pass http://%%UPSTREAM%%; }
    location /watched/ { interop monitor; rewrite ^/watched(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
    location /small/ { interop_max_answer 4k; rewrite ^/small(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
    location /zipped/ { gzip on; gzip_min_length 1; gzip_types application/json; gzip_proxied any;
        rewrite ^/zipped(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
    location /insists/ { rewrite ^/insists(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%;
        proxy_set_header Accept-Encoding gzip; proxy_set_header Range bytes=0-9; proxy_set_header X-Range "$http_range"; }
    location /kept/ { rewrite ^/kept(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%;
        proxy_cache c; proxy_cache_valid 200 1h; proxy_cache_key $uri$is_args$args; add_header X-Kept $upstream_cache_status; }
    location /files/ { internal; interop off; alias %%DIR%%/; default_type application/json; }
    location /pages/ { interop off; ssi on; alias %%DIR%%/; default_type text/html; }
END
my $person = qq("tenant":"$InteropEdge::tenant","systems":["teams"],"mode":"TeamsOnly");
$t->facts(InteropEdge::world()
    . qq({"kind":"user","id":"lena",$person,"aliases":["a7d10000-0000-4000-8000-00000000e001"]}\n)
    . qq({"kind":"user","id":"otto",$person,"aliases":["a7d10000-0000-4000-8000-00000000e002"]}\n)
    . '{"kind":"conversation","id":"19:late@thread.v2","type":"group","participants":["lena",{"user":"otto","joined":"2020-01-01T00:00:00Z"}],'
    . qq("started":true,"org_mapped":true,"tenant":"$InteropEdge::tenant"}\n));
$t->InteropNginx::start;
my $up = $t->upstream;

sub message { my ($id, $time, $text) = @_; return qq({"id":"$id","createdDateTime":"$time","body":{"contentType":"text","content":"$text"}}) }
my $old = message(1, '2019-12-31T23:59:59Z', 'before otto came');
my $new = message(2, '2020-01-01T00:00:00Z', 'since otto came');

# what upstream has, and what otto may see of it
sub page {
    my ($n) = @_;
    my $pad = $n ? ',' . join(',', map { message($_, '2018-01-01T00:00:00Z', 'pumps ' x 10) } 1 .. $n / 130) : '';
    return (qq({"\@odata.nextLink":"https://next",\n "value": [$new, $old$pad]}), qq({"\@odata.nextLink":"https://next",\n "value": [$new]}));
}
my ($all, $some) = page(0);

sub as {
    my ($who, $method, $target, %o) = @_;
    my $headers = delete $o{headers} || {};
    return $t->teams($method, $target, %o, headers => { 'X-User' => $who, %$headers });
}

sub is_some {
    my ($r, $body, $name) = @_;
    is($r->{status}, 200, "$name: 200");
    ok($r->{body} eq $body, "$name: what came before is cut") or diag(substr $r->{body}, 0, 400);
    is($r->{headers}{'content-length'}, length $body, "$name: its length");
    is(InteropEdge::verdict($r), 'amend', "$name: the header tells");
    return;
}

sub is_refused {
    my ($r, $name) = @_;
    is($r->{status}, 502, "$name: refused");
    is(eval { decode($r->{body})->{error}{code} }, 'unreadable_answer', "$name: in the API's envelope");
    is($r->{headers}{'cache-control'}, 'no-store', "$name: not to be kept");
    is($r->{headers}{'content-encoding'}, undef, "$name: not compressed");
    is($r->{headers}{$_}, undef, "$name: no $_") for qw(etag content-range accept-ranges);
    unlike($r->{body}, qr/otto came/, "$name: nothing of it");
    return;
}

# ------------------------------------------------------------ forms of a body

for my $size (0, 10_000, 300_000) {
    my ($whole, $part) = page($size);
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    my %forms = (
        'of known length' => { status => 200, json => $whole },
        'chunked' => { raw => $head . "Transfer-Encoding: chunked\r\n\r\n"
            . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack '(a997)*', $whole) . "0\r\n\r\n" },
        'until the end' => { raw => "${head}Connection: close\r\n\r\n$whole", close => 'after' },
    );
    for my $form (sort keys %forms) {
        for my $place ('', '/direct') {
            for my $mode ('', 'h2') {
                $up->answers($forms{$form});
                is_some(as('otto', GET => "$place$chat", mode => $mode), $part, join ', ', $form, $place, $mode, $size);
            }
        }
        $up->answers($forms{$form});
        my $r = as('lena', GET => $chat);
        ok($r->{body} eq $whole, "$form, $size: who was there gets all of it");
        is(InteropEdge::verdict($r), 'deliver', "$form, $size: as it came");
        $up->answers($forms{$form});
        $r = as('otto', GET => "/watched$chat");
        ok($r->{body} eq $whole, "$form, $size: monitor changes nothing");
        is($r->{headers}{'interop-verdict'}, undef, "$form, $size: and says nothing");
    }
}
$t->got;

# it streams to who needs nothing of it
{
    $up->answers({ raw => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"value\":[$old" });
    my $c = $t->connect('web');
    $c->send("GET /direct$chat HTTP/1.1\r\nHost: a\r\nX-User: lena\r\n\r\n");
    ok($t->pump(sub { $c->received =~ /before otto came/ }), 'what nobody must read is passed on while it comes');
    $c->close;
    $t->got;
}

# the connection goes on behind answers that were replaced
{
    my $c = $t->connect('web');
    for my $n (1 .. 3) {
        $up->answers($n == 2 ? { status => 200, text => '<html>before otto came</html>' } : { status => 200, json => $all });
        $c->send("GET $chat HTTP/1.1\r\nHost: a\r\nX-User: otto\r\n\r\n");
        my $r = $c->response;
        $n == 2 ? is_refused($r, "no JSON, request $n") : is_some($r, $some, "kept alive, request $n");
    }
    $c->close;
    $t->got;
}

# ---------------------------------------------- what cannot be read is refused

my %answer = (status => 200, json => $all);
$up->answers({ %answer, headers => { 'Content-Encoding' => 'gzip' } });
is_refused(as('otto', GET => $chat), 'compressed all the same');
$up->answers({ %answer, status => 206, headers => { 'Content-Range' => 'bytes 0-9/100', 'Accept-Ranges' => 'bytes' } });
is_refused(as('otto', GET => $chat), 'a part all the same');
for my $mode ('', 'h2') {
    my ($whole) = page(10_000);
    $up->answers({ status => 200, json => $whole });
    is_refused(as('otto', GET => "/small$chat", mode => $mode), "too large $mode");
    $up->answers({ raw => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"e\"\r\nConnection: close\r\n\r\n$whole", close => 'after' });
    is_refused(as('otto', GET => "/small$chat", mode => $mode), "too large, as it turns out $mode");
}
$up->answers({ %answer, close => 'within' });
$t->allow(qr/upstream prematurely closed connection/);
{
    my $r = as('otto', GET => $chat);
    is($r->{status}, 502, 'upstream dies within: 502');
    unlike($r->{body}, qr/otto came/, 'upstream dies within: nothing of it');
}
$t->got;

# --------------------------------------------- ranges, compression, validators

my %wishes = (Range => 'bytes=0-20', 'If-Range' => '"e1"', 'Accept-Encoding' => 'gzip');
$up->answers({ %answer, headers => { ETag => '"e1"', 'Last-Modified' => 'Wed, 01 Jan 2020 00:00:00 GMT', 'Accept-Ranges' => 'bytes' } });
my $r = as('otto', GET => $chat, headers => \%wishes);
is_some($r, $some, 'a range is asked for');
is($r->{headers}{$_}, undef, "changed: no $_") for qw(etag last-modified accept-ranges content-range content-encoding);
my $got = $t->got;
is($got->{headers}{$_}, undef, "upstream is not asked for it: $_") for qw(range if-range accept-encoding);

$up->answers(\%answer);
as('lena', GET => $chat, headers => \%wishes);
$got = $t->got;
is($got->{headers}{range}, 'bytes=0-20', 'who sees all may have parts of it');
is($got->{headers}{'accept-encoding'}, 'gzip', 'and have it compressed');

$up->answers(\%answer);
as('otto', GET => "/insists$chat", headers => \%wishes);
is($t->got->{headers}{'x-range'}, undef, '$http_range is gone too');

$up->answers({ %answer, json => qq({"value":[$new]}), headers => { ETag => '"e2"' } });
$r = as('otto', GET => $chat);
is($r->{headers}{etag}, '"e2"', 'not changed: the validator stays');
is(InteropEdge::verdict($r), 'deliver', 'not changed: delivered');
$up->answers({ status => 304, headers => { ETag => '"e2"' } });
$r = as('otto', GET => $chat, headers => { 'If-None-Match' => '"e2"' });
is("$r->{status} $r->{body}", '304 ', 'and can be asked for');
$t->got;

$up->answers(\%answer);
$r = as('otto', GET => "/zipped$chat", headers => { 'Accept-Encoding' => 'gzip' });
is($r->{headers}{'content-encoding'}, 'gzip', 'nginx compresses what the judge made');
unlike($r->{body}, qr/otto/, 'and nothing else');
is($t->got->{headers}{'accept-encoding'}, undef, 'of what upstream sent plain');

for my $status (400, 404, 429, 500, 503) {
    my $error = qq({"error":{"code":"theirs","message":"before otto came"}});
    $up->answers({ status => $status, json => $error, headers => { 'Retry-After' => '3' } });
    $r = as('otto', GET => $chat);
    is("$r->{status} $r->{headers}{'retry-after'} $r->{body}", "$status 3 $error", "upstream's $status is its own");
}
for my $answer ({ status => 204 }, { status => 200, text => '' }) {
    $up->answers($answer);
    $r = as('otto', GET => $chat);
    is("$r->{status} $r->{body}", "$answer->{status} ", "$answer->{status} without a body");
}
$up->answers({ %answer, headers => { ETag => '"e1"' } });
$r = as('otto', HEAD => $chat);
is($r->{status}, 200, 'HEAD: the status');
is($r->{headers}{$_}, undef, "HEAD: no $_ of another body") for qw(content-length etag);
$t->got;

# ------------------------------------- lists of chats, each with its last message

{
    my $chats = '/v1.0/me/chats?$expand=lastMessagePreview';
    my $list = sub { qq({"value":[ {"id":"19:late\@thread.v2","topic":"Quay","n":1.0,"lastMessagePreview":$_[0]}]}) };
    my %page = (status => 200, json => $list->($old), headers => { ETag => '"e1"', 'Accept-Ranges' => 'bytes' });
    for my $mode ('', 'h2') {
        $up->answers(\%page);
        $r = as('otto', GET => $chats, headers => \%wishes, mode => $mode);
        is("$r->{status} $r->{body}", '200 {"value":[ {"id":"19:late@thread.v2","topic":"Quay","n":1.0}]}', "chats $mode: what was said before is cut, all else stays");
        is($r->{headers}{$_}, undef, "chats $mode: no $_") for qw(etag accept-ranges content-range content-encoding);
        $got = $t->got;
        is($got->{headers}{$_}, undef, "chats $mode: upstream is not asked for it: $_") for qw(range if-range accept-encoding);
    }
    $up->answers({ %page, json => $list->($new) });
    $r = as('otto', GET => $chats);
    is("$r->{body} $r->{headers}{etag}", $list->($new) . ' "e1"', 'chats: what is not changed keeps its validator');
    $up->answers(\%page);
    ok(as('lena', GET => $chats)->{body} eq $list->($old), 'chats: who was there sees it');
    $up->answers({ %page, headers => { 'Content-Encoding' => 'br' } });
    is_refused(as('otto', GET => $chats), 'chats, compressed all the same');
    $up->answers({ %page, status => 206, headers => { 'Content-Range' => 'bytes 0-9/100' } });
    is_refused(as('otto', GET => $chats), 'chats, a part all the same');
    $up->answers(\%page);
    $r = as('otto', HEAD => $chats);
    is($r->{headers}{$_}, undef, "chats, HEAD: no $_ of another body") for qw(content-length etag);
    $t->got;
}

# ------------------------------------------------------------------- the cache

$up->answers({ %answer, headers => { ETag => '"e1"', 'Accept-Ranges' => 'bytes' } });
for my $n (1 .. 2) {
    $r = as('lena', GET => "/kept$chat");
    ok($r->{body} eq $all, "cache, $n: all for who was there");
    $r = as('otto', GET => "/kept$chat");
    is($r->{headers}{'x-kept'}, 'HIT', "cache, $n: upstream is not asked");
    is_some($r, $some, "cache, $n: his own for who came later");
    is($r->{headers}{etag}, undef, "cache, $n: no validator");
    $r = as('otto', GET => "/kept$chat", headers => { Range => 'bytes=0-30' });
    is_some($r, $some, "cache, $n: a range");
    is($r->{headers}{$_}, undef, "cache, $n: no $_") for qw(content-range accept-ranges);
    $r = as('lena', GET => "/kept$chat", headers => { Range => 'bytes=0-9' });
    is("$r->{status} $r->{body}", '206 ' . substr($all, 0, 10), "cache, $n: parts for who sees all");
    $r = as('otto', HEAD => "/kept$chat");
    is($r->{headers}{'content-length'}, undef, "cache, $n: HEAD tells no length");
}
is(scalar(my @asked = $t->got), 1, 'the cache was filled once');

# ------------------------------------------- upstream sends nginx to look itself

$t->write('late.json', $all);
$up->answers({ status => 200, headers => { 'X-Accel-Redirect' => '/files/late.json' } }) for 1 .. 3;
$r = as('otto', GET => $chat);
is_some($r, $some, 'X-Accel-Redirect');
$r = as('otto', GET => $chat, headers => { Range => 'bytes=0-30' });
is_some($r, $some, 'X-Accel-Redirect, a range');
ok(as('lena', GET => $chat)->{body} eq $all, 'X-Accel-Redirect: all for who was there');
$t->got;

# ----------------------------------------------------------------- subrequests

$t->write('page.html', qq(<!--# include virtual="$chat" -->));
$t->allow(qr/interop refused a subrequest/);
$up->answers(\%answer);
$r = as('otto', GET => '/pages/page.html');
unlike($r->{body}, qr/otto came/, 'a page cannot include what would have to be cut');
is(scalar(@asked = $t->got), 0, 'and nobody is asked for it');
$up->reset->answers(\%answer);
$r = as('lena', GET => '/pages/page.html');
ok($r->{body} eq $all, 'what is passed as it is can be included');

$t->done_testing;
