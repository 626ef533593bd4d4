#!/usr/bin/perl
# kill -9 of a worker, and of all of nginx, in the middle of traffic: what was
# acknowledged is durable, the store opens, the zone works. A few times each; a
# hundred with T_LONG=1.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $times = $ENV{T_LONG} ? 100 : 4;
my $chats = 40 * $times;
my $t = InteropEdge->start(conf => { workers => 2 }, store => 'interop_store %%DIR%%/store size=64m;',
    http => 'interop_zone messages 1m;', locations => 'location = /status { interop off; interop_status; }');
$t->allow(qr/exited on signal 9/);
my $tenant = $InteropEdge::tenant;
my $person = qq("tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true);
my $many = '';
for my $i (1 .. $chats) {
    $many .= qq({"kind":"user","id":"u$i",$person,"reads_on":"kaizala","aliases":["+9180$i"]}\n)
        . qq({"kind":"conversation","id":"c$i","type":"one_on_one","participants":["u$i","jonas"],)
        . qq("initiated_by":"kaizala","org_mapped":true,"tenant":"$tenant"}\n);
}
$t->facts($many);
$t->upstream->default({ status => 200, json => '{"referenceId":"m1"}' });
$t->upstream->{forget} = 1;

# first messages, as many at a time as there are connections; who was told 200
# is written down
my ($next, %acknowledged) = (1);
my @open;
sub feed {
    my ($n) = @_;
    while (@open < 6 && $next <= $n) {
        my $i = $next++;
        my $c = eval { $t->connect('kaizala') } or next;
        my $body = '{"message":"Gate 3"}';
        $c->send("POST /v1/groups/c$i/messages HTTP/1.1\r\nHost: a\r\nX-User: u$i\r\nConnection: close\r\n"
            . "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
        push @open, [ $i, $c ];
    }
    my @still;
    for my $o (@open) {
        my ($i, $c) = @$o;
        my ($status) = $c->received =~ /^HTTP\/1.1 (\d+)/;
        if ($status && ($c->{eof} || $c->received =~ /"m1"/)) {
            $acknowledged{$i} = 1 if $status == 200;
            $c->close;
        } elsif ($c->{eof}) { $c->close }
        else { push @still, $o }
    }
    @open = @still;
    return $next > $n && !@open;
}

# feeds up to chat n; what() is done once, when half of what was to come is on its way
sub kill_during {
    my ($n, $what) = @_;
    my $half = int(($next + $n + 1) / 2);
    my ($done, $killed, $end) = (0, 0, time + 120);
    while (!$done && time < $end) {
        $t->pump(sub { $done = feed($n); $done || (!$killed && $next > $half) }, 30);
        next if $killed || $next <= $half;
        $what->();
        $killed = 1;
        $done = 0;
    }
}

my $kills = 0;
for my $round (1 .. $times) {
    my $n = int($chats * $round / $times / 2);
    kill_during($n, sub {
        my @workers = $t->workers;
        kill KILL => $workers[ rand @workers ];
        $kills++;
    });
}
my @told = $t->error_log =~ /exited on signal 9/g;
cmp_ok($kills, '>=', $times / 2, "$kills workers were killed under load");
ok($t->pump(sub { $t->workers == 2 }, 10), 'there are two again');

for my $round (1 .. $times) {
    my $n = int($chats / 2 + $chats * $round / $times / 2);
    kill_during($n, sub {
        $t->kill_all;
        $_->[1]->close for @open;
        @open = ();
        $t->InteropNginx::start;
    });
}
cmp_ok(scalar(keys %acknowledged), '>', $chats / 4, scalar(keys %acknowledged) . " of $chats starts were acknowledged");

# each acknowledged start is there, for a process that knows nothing of nginx
my ($status, $out) = $t->ctl('export', '--store', $t->dir . '/store');
is($status, 0, 'the store opens') or diag($out);
my %started = map { $_->{id} =~ /^c(\d+)$/ && $_->{started} ? ($1 => 1) : () }
    map { decode($_) } grep { /"kind":\s*"conversation"/ } split /\n/, $out;
is(join(' ', grep { !$started{$_} } sort { $a <=> $b } keys %acknowledged), '', 'all of them are started');

# and for the edge
my @some = (sort { $a <=> $b } keys %acknowledged)[0 .. 4];
for my $i (@some) {
    my $r = $t->request(GET => "/v1/groups/c$i", port => 'kaizala', headers => { 'X-User' => "u$i" });
    is($r->{status}, 200, "chat $i goes on");
}
my $s = decode($t->request(GET => '/status', port => 'web', mode => '')->{body});
cmp_ok($s->{zone}{free} + $s->{zone}{records}, '<=', $s->{zone}{cells}, 'the zone\'s cells are accounted for');
diag("killed $kills workers, the zone was rebuilt $s->{rebuilt} times");
$t->done_testing;
