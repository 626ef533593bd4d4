#!/usr/bin/perl
# What must be read of upstream's answer is read in whatever form it comes: of
# known length in one piece, in many, chunked, until the connection ends, large,
# buffered or not; the client gets its bytes, and what it says is remembered.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $t = InteropEdge->start(facts => 0, start => 0, http => 'interop_zone messages 1m;', server => 'proxy_buffer_size 4k;
    proxy_busy_buffers_size 4k; proxy_buffers 4 4k; proxy_max_temp_file_size 0;', locations => <<'END');
    location /direct/ { rewrite ^/direct(/.*)$ $1 break; proxy_buffering off; proxy_pass http://%%UPSTREAM%%; }
    location /watched/ { interop monitor; rewrite ^/watched(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
    location = /status { interop off; interop_status; }
END
# first-1 ...: the first message to each of them is written down
$t->facts(InteropEdge::world() . join '', map { my $n = $_; qq({"kind":"conversation","id":"first-$n","type":"one_on_one",)
    . qq("participants":["ruth","jonas"],"initiated_by":"kaizala","org_mapped":true,"tenant":"$InteropEdge::tenant"}\n) } 1 .. 40);
$t->InteropNginx::start;
my $up = $t->upstream;
my $edit = '{"body":{"contentType":"text","content":"Gate 4"}}';
my ($id, $first) = (3000, 0);

sub records { decode($t->request(GET => '/status', port => 'web', mode => '')->{body})->{zone}{records} }

# name, answer; the same names whatever the body is
sub forms {
    my ($json) = @_;
    my $head = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n";
    my @pieces = unpack '(a7)*', $json;
    return (
        'of known length' => { status => 201, json => $json },
        'and the connection ends' => { status => 201, json => $json, close => 'after' },
        'chunked' => { raw => $head . sprintf "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length $json, $json },
        'in small chunks' => { raw => $head . "Transfer-Encoding: chunked\r\n\r\n"
            . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @pieces) . "0\r\n\r\n" },
        'until the end' => { raw => $head . "Connection: close\r\n\r\n$json", close => 'after' },
        'more than was told' => { raw => $head . 'Content-Length: ' . length($json) . "\r\n\r\n$json-and-more", close => 'after' },
    );
}

$t->allow(qr/upstream sent more data than specified in "Content-Length" header/);
for my $size (0, 10_000, 200_000) {
    for my $place ('', '/direct', '/watched') {
        my @forms = forms('%s');
        while (my ($form) = splice @forms, 0, 2) {
            for my $mode ('', 'h2') {
                my $name = join ', ', $place || 'buffered', $mode || 'plain', $form, "$size bytes more";
                $id++;
                my $json = qq({"pad":") . 'z' x $size . qq(","id":"$id"});
                my %answer = forms($json);
                my $before = records();
                $up->answers($answer{$form});
                my $r = $t->teams(POST => "$place$MESSAGES", body => $TEXT, mode => $mode);
                is($r->{status}, 201, "$name: the status");
                ok($r->{body} eq $json, "$name: the body");
                is(records(), $before + 1, "$name: remembered");
                $t->got;
                next if $place eq '/watched';
                $t->teams(PATCH => "$MESSAGES/$id", body => $edit);
                is(join(' ', map { $_->{method} } $t->got), 'POST', "$name: and known by its id");
            }
        }
    }
}

# the client hears when it is written
for my $place ('', '/direct') {
    for my $size (0, 10_000, 200_000) {
        my @forms = forms('%s');
        while (my ($form) = splice @forms, 0, 2) {
            my $name = join ', ', $place || 'buffered', $form, "$size bytes more";
            my $json = qq({"pad":") . 'z' x $size . qq(","referenceId":"m"});
            my %answer = forms($json);
            $up->answers($answer{$form});
            $first++;
            my $r = $t->kaizala(POST => "$place/v1/groups/first-$first/messages", body => '{"message":"Gate 3"}',
                headers => { 'X-User' => 'ruth' });
            is($r->{status}, 201, "$name: accepted");
            ok($r->{body} eq $json, "$name: the body");
            my ($status, $out) = $t->ctl('conversation', 'show', "first-$first", '--store', $t->dir . '/store');
            like($out, qr/started\W+true/, "$name: written by then");
        }
    }
}
$t->done_testing;
