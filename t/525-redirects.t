#!/usr/bin/perl
# Ways of a request inside nginx: none leads past the judgement, none is judged
# twice, and none loses its verdict.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(edition => '2019-04',
    http => 'log_format seen "$uri $status $interop_verdict";
        map $request_uri $early { default $request_uri; }',
    server => 'access_log %%DIR%%/logs/seen seen;', locations => <<'END');
    location = /status { interop off; interop_status; }
    # try_files to a named location that inherits the API
    location /v1.0/try/ { rewrite ^/v1.0/try(/.*)$ /v1.0$1; }
    location /beta/ { try_files /no-such-file @carrier; }
    location @carrier { proxy_pass http://%%UPSTREAM%%; }
    # a second upstream when the first is away
    location /v1.0/second/ {
        rewrite ^/v1.0/second(/.*)$ /v1.0$1 break;
        error_page 502 504 = @other; proxy_pass http://127.0.0.1:1;
    }
    location @other { proxy_pass http://%%UPSTREAM:other%%; }
    # error pages of one's own
    location /v1.0/page/ {
        rewrite ^/v1.0/page(/.*)$ /v1.0$1 break;
        proxy_intercept_errors on; error_page 500 =200 /sorry; proxy_pass http://%%UPSTREAM%%;
    }
    location = /sorry { return 200 sorry; }
    # variables that were looked at before the judgement
    location /v1.0/variable/ {
        set $seen "$request_uri $uri $args $content_length $request_body $arg_x";
        set $to %%UPSTREAM%%;
        rewrite ^/v1.0/variable(/.*)$ /v1.0$1 break;
        proxy_set_header X-Method $request_method; proxy_set_header X-Length $content_length;
        proxy_set_header X-Uri $uri; proxy_set_header X-Args $args;
        proxy_pass http://$to;
    }
    location /files/ { alias %%DIR%%/conf/; }
    # access control
    location /v1.0/denied/ { deny all; proxy_pass http://%%UPSTREAM%%; }
    location /v1.0/satisfy/ {
        rewrite ^/v1.0/satisfy(/.*)$ /v1.0$1 break;
        satisfy any; allow all; auth_request /auth; proxy_pass http://%%UPSTREAM%%;
    }
    location /v1.0/auth/ {
        rewrite ^/v1.0/auth(/.*)$ /v1.0$1 break;
        auth_request /auth; proxy_pass http://%%UPSTREAM%%;
    }
    location = /auth { internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://%%UPSTREAM:auth%%; }
    # copies
    location /v1.0/mirror/ {
        rewrite ^/v1.0/mirror(/.*)$ /v1.0$1 break;
        mirror /copy; proxy_pass http://%%UPSTREAM%%;
    }
    location = /copy { internal; proxy_pass http://%%UPSTREAM:copy%%; }
    # a prefix that proxy_pass maps
    location /v1.0/users/ { proxy_pass http://%%UPSTREAM%%/v1.0/users/; }
    # a page made of others
    location = /sum { interop off; add_before_body /v1.0/chats/x/y/z; return 200 "after"; }
END
my ($body, $text) = bold(200);
my $up = $t->upstream;

sub at { my ($prefix) = @_; return $MESSAGES =~ s/v1.0/v1.0\/$prefix/r }
sub count { my ($c) = $t->request(GET => '/status', port => 'web', mode => '')->{body} =~ /"requests":(\d+)/; $c }

# judged once, rewritten once
for my $case ([ 'try_files to a named location', $MESSAGES =~ s/v1.0/beta/r ],
              [ 'rewrite to another location', at('try') ],
              [ 'variables', at('variable') ],
              [ 'access by auth_request', at('auth') ],
              [ 'satisfy any', at('satisfy') ],
              [ 'a mirror', at('mirror') ]) {
    my ($name, $target) = @$case;
    my $before = count();
    my $r = $t->teams(POST => $target, body => $body);
    my @got = $t->got;
    is($r->{status}, 201, "$name: answered");
    is(scalar @got, 1, "$name: one request to upstream");
    is($got[0] && decode($got[0]{body})->{body}{content}, $text, "$name: rewritten");
    is(InteropEdge::verdict($r), 'plain_text', "$name: the verdict is told");
    is(count() - $before, 1, "$name: judged once");
    my $denied = $target =~ s/\Q$CHAT\E/$NEW/r =~ s/0000000000c1_/0000000000d1_/r;
    $r = $t->teams(POST => $denied, body => $TEXT);
    is($r->{status}, 403, "$name: a refusal holds");
    is(scalar($t->got // ()), undef, "$name: and goes nowhere");
}

# what upstream hears by variable is what it hears
{
    my $r = $t->teams(PATCH => at('variable') . '/1549870200301', body => '{"body":{"contentType":"text","content":"Gate 4"}}');
    my $got = ($t->got)[-1];
    is(InteropEdge::verdict($r), 'as_reply', 'variables: the edit is another request');
    is($got->{method}, 'POST', 'variables: by POST');
    is($got->{headers}{'x-method'}, 'POST', 'variables: $request_method');
    is($got->{headers}{'x-length'}, length $got->{body}, 'variables: $content_length');
    is($got->{headers}{'x-uri'}, $got->{uri}, 'variables: $uri');
}

# the copy is that of the request as it was let through
{
    my $copy = $t->upstream('copy');
    ok($t->pump(sub { @{ $copy->requests } }, 5), 'mirror: there is a copy');
    is(decode($copy->requests->[0]{body})->{body}{content}, $text, 'mirror: of what was rewritten');
}

# the second upstream gets what was judged
{
    my $other = $t->upstream('other');
    my $r = $t->teams(POST => at('second'), body => $body);
    is($r->{status}, 200, 'second upstream: answered');
    is(decode($other->requests->[0]{body})->{body}{content}, $text, 'second upstream: rewritten');
    is(InteropEdge::verdict($r), 'plain_text', 'second upstream: the verdict is told');
}

# the verdict outlives an error page, and what failed starts nothing
{
    $up->answers({ status => 500, json => '{}' });
    my $r = $t->kaizala(POST => '/v1.0/page/x', body => '{}');
    $t->got;
    $up->answers({ status => 500, json => '{}' });
    $r = $t->teams(POST => at('page'), body => $body);
    is("$r->{status} $r->{body}", '200 sorry', 'error page: shown');
    is(InteropEdge::verdict($r), 'plain_text', 'error page: with the verdict');
    $t->got;
}

# upstream may send elsewhere inside nginx
{
    $t->write('conf/file', 'from a file');
    $up->answers({ status => 200, headers => { 'X-Accel-Redirect' => '/files/file' }, text => '' });
    my $r = $t->teams(POST => $MESSAGES, body => $body);
    is($r->{body}, 'from a file', 'X-Accel-Redirect: followed');
    is(InteropEdge::verdict($r), 'plain_text', 'X-Accel-Redirect: with the verdict');
    $t->got;
    # to a guarded place: judged there
    $up->answers({ status => 200, headers => { 'X-Accel-Redirect' => '/v1.0/chats/a/b/c' }, text => '' });
    $r = $t->teams(POST => $MESSAGES, body => $body);
    is($r->{status}, 404, 'X-Accel-Redirect: to what is guarded, judged there');
    is(scalar(my @got = $t->got), 1, 'X-Accel-Redirect: and goes no further');
}

# access control goes first
{
    my $r = $t->teams(POST => at('denied'), body => $body);
    is($r->{status}, 403, 'deny all: refused');
    is($r->{headers}{'interop-verdict'}, undef, 'deny all: before any judgement');
    $t->upstream('auth')->answers({ status => 401 });
    $r = $t->teams(POST => at('auth'), body => $body);
    is($r->{status}, 401, 'auth_request: refused');
    is(scalar($t->got // ()), undef, 'auth_request: nothing goes on');
}

# a location with a URI of its own
{
    $t->teams(GET => '/v1.0/users/jonas/chats/19:x@unq.gbl.spaces');
    my $r = $t->teams(POST => "/v1.0/users/$InteropEdge::jonas" . ($MESSAGES =~ s/^\/v1.0//r), body => $body);
    my $got = ($t->got)[-1];
    is(decode($got->{body})->{body}{content}, $text, 'proxy_pass with a URI: rewritten') if $got;
    like($got->{uri}, qr/^\/v1\.0\/users\/\Q$InteropEdge::jonas\E\/chats\//, 'proxy_pass with a URI: its target') if $got;
}

# subrequests of others never break anything
{
    my $r = $t->teams(GET => '/sum');
    ok($r->{status}, 'add_before_body: an answer, whatever it is');
    $t->got;
}

# a rewritten URI is what is judged, as it is what is forwarded
{
    my $r = $t->teams(POST => '/v1.0/try' . ($MESSAGES =~ s/^\/v1.0//r =~ s/chats/%63hats/r), body => $body);
    is(InteropEdge::verdict($r), 'plain_text', 'rewrite: decoded, judged');
    $t->got;
    $r = $t->teams(POST => $MESSAGES =~ s/chats/%63hats/r, body => $body);
    is(InteropEdge::verdict($r), 'plain_text', 'an encoded letter is no way past');
    is($t->got->{uri}, $MESSAGES =~ s/chats/%63hats/r, 'and goes as it came');
    $r = $t->teams(POST => $MESSAGES =~ s/chats/.\/x\/..\/\/chats/r, body => $body);
    is(InteropEdge::verdict($r), 'plain_text', 'dot segments and doubled slashes are no way past');
    is($t->got->{uri}, $MESSAGES, 'and are not forwarded');
}

$t->done_testing;
