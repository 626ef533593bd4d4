#!/usr/bin/perl
# The tests' own tools, held to what other tests rely on: strict JSON that keeps
# spelling, HTTP that records bytes, an nginx that starts, reloads and leaves
# nothing. Without the module.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropJSON qw(decode encode equal pointer);
use InteropNginx;

# ---- JSON
my $v = decode('{ "b" : [1.50, 1e3, 123456789012345678901234567890], "a":"\u00e9\ud83d\udc4d\n" }');
is(encode($v), qq({"b":[1.50,1e3,123456789012345678901234567890],"a":"\xc3\xa9\xf0\x9f\x91\x8d\\n"}), 'order and spelling stay');
ok(equal(decode('{"a":1,"b":[1.0]}'), decode('{"b":[1],"a":1}')), 'equal by value');
ok(!equal(decode('[12345678901234567890]'), decode('[12345678901234567891]')), 'large numbers by spelling');
ok(!equal(decode('["1"]'), decode('[1]')), 'a text is no number');
ok(!equal(decode('[null]'), decode('[false]')), 'null is not false');
is((pointer($v, '/b/1'))[1], '1e3', 'a pointer');
is((pointer($v, '/b/3'))[0], 0, 'a pointer past the end');
for my $bad ('{"a":1,"a":2}', '[1,]', '{"a":1}x', "[\"\x01\"]", '[01]', "['a']", '[1', '') {
    ok(!eval { decode($bad); 1 }, "refused: $bad");
}

# ---- nginx
plan skip_all => "$InteropNginx::NGINX is not installed" unless -x $InteropNginx::NGINX;
my $t = InteropNginx->new;
my $up = $t->upstream;
$t->conf(<<'END', no_module => 1);
http {
    %%HTTP%%
    server {
        listen %%ADDR:web%%;
        listen %%ADDR:two%% http2;
        location / { proxy_pass http://%%UPSTREAM%%; proxy_next_upstream off; }
    }
}
END
is(($t->check_conf)[0], 0, 'the configuration is good');
$t->start;
$up->answers({ status => 201, json => '{"id":"1"}', headers => { 'X-A' => [ 'one', 'two' ] } });
my $r = $t->request(POST => '/x?a=%2F', body => '{"a":1}', headers => { 'Content-Type' => 'application/json' }, mode => '');
is($r->{status}, 201, 'status');
is($r->{body}, '{"id":"1"}', 'body');
is($r->{headers}{'x-a'}, 'one, two', 'headers of one name');
is(@{ $up->requests }, 1, 'one request upstream');
is($up->requests->[0]{uri}, '/x?a=%2F', 'its target');
is($up->requests->[0]{body}, '{"a":1}', 'its body');
for my $mode (qw(chunked slow h2)) {
    SKIP: {
        skip 'curl with HTTP/2 is not installed', 3 if $mode eq 'h2' && `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
        $up->reset;
        my $body = join ',', 1 .. 2000;
        $r = $t->request(POST => '/y', body => $body, mode => $mode, port => $mode eq 'h2' ? 'two' : 'web');
        is($r->{status}, 200, "$mode: status");
        is($r->{body}, '{}', "$mode: body");
        is($up->requests->[0]{body}, $body, "$mode: upstream's body");
    }
}
my $c = $t->connect('web');
$c->send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
is($c->response->{status}, 200, 'the first of two in one packet');
is($c->response->{status}, 200, 'the second');
is($up->requests->[-1]{uri}, '/2', 'in order');
$c->close;
ok($t->reload(wait => 1), 'a reload');
is($t->request(GET => '/', mode => '')->{status}, 200, 'and after it');
$up->answers({ close => 'before' });
is($t->request(GET => '/', mode => '')->{status}, 502, 'an upstream that closes');
$t->write('nginx.conf', "nonsense;\n");
ok(!$t->reload, 'a reload that is refused is seen');
like(join("\n", $t->complaints), qr/\[emerg\].*unknown directive "nonsense"/, 'and complained about');
$t->allow(qr/unknown directive "nonsense"/);
$t->done_testing;
