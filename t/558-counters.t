#!/usr/bin/perl
# Counters of scripts in the zone that all share: what one tenant's script counts
# takes nothing from another tenant's, however much it counts.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need;
plan skip_all => 'the Lua host is not built' unless -e dirname($InteropNginx::MODULE) . '/interop_lua.so';

my $t = InteropEdge->start(start => 0, http => '', locations => '');
my ($tenant, $lin, $omar) = map { "2b7e6a10-0000-4000-8000-0000000000$_" } qw(f2 e1 e2);
my $chat = "/v1.0/chats/19:${lin}_$omar\@unq.gbl.spaces/messages";
my $person = qq("tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true);
$t->facts(<<"F");
{"kind":"tenant","id":"$tenant","country":"IN","residency":"IN","plan":"o365"}
{"kind":"user","id":"lin",$person,"reads_on":"kaizala","aliases":["$lin"]}
{"kind":"user","id":"omar",$person,"reads_on":"teams","aliases":["$omar"]}
{"kind":"conversation","id":"g9","aliases":["19:${lin}_$omar\@unq.gbl.spaces"],"type":"one_on_one","participants":["lin","omar"],"started":true,"tenant":"$tenant"}
F
$t->write('count.lua', <<'L');
return function(event)
  if event.text == "flood" then
    local n = counter.incr("round", 3600)
    for i = 1, 31 do counter.incr(("x"):rep(100) .. " " .. n .. " " .. i, 86400) end
    return
  end
  log("count", event.sender.id, counter.incr("n", 3600))
end
L
$t->conf($t->front(http => 'interop_zone messages 256k;', locations => <<'L'), workers => 2);
    location /count/ { rewrite ^/count(/.*) $1 break; interop_script count.lua; proxy_pass http://%%UPSTREAM%%; }
    location = /status { interop_status; }
L
InteropNginx::start($t);

sub text { my ($text) = @_; return (headers => { 'Content-Type' => 'application/json' },
    body => qq({"body":{"contentType":"text","content":"$text"}})) }
sub omar { return $t->request(POST => "/count$chat", port => 'web', text('x'), headers => { 'X-User' => 'omar', 'Content-Type' => 'application/json' })->{status} }
sub jonas { my ($text) = @_; return $t->teams(POST => "/count$MESSAGES", text($text))->{status} }
sub counts { my ($who) = @_; return join ' ', $t->error_log =~ /count $who (\d+)/g }
sub zone { my $body = $t->request(GET => '/status', port => 'web')->{body}; return map { $body =~ /"$_":(\d+)/ ? $1 : -1 } @_ }

is(omar(), 201, 'one tenant counts') for 1 .. 2;
is(jonas('x'), 201, 'another one too');
my %status;
$status{ jonas('flood') }++ for 1 .. 120;
is_deeply(\%status, { 201 => 120 }, 'and counts more than there is room for, which stops none of its messages');
my ($cells, $evicted) = zone(qw(cells evicted));
cmp_ok(120 * 31, '>', 4 * $cells, 'that was more than the zone holds');
cmp_ok($evicted, '>', 120 * 31 - $cells, 'so that most of it is gone');
is(omar(), 201, 'the first tenant counts on');
is(counts('omar'), '1 2 3', 'as if nothing had been');
is(jonas('x'), 201, 'the other one');
is(counts('jonas'), '1 1', 'begins anew: what it counted less often went for the rest');

$t->allow(qr/script/);
$t->done_testing;
