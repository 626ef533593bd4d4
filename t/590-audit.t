#!/usr/bin/perl
# interop_audit_log: one JSON line per judged request, whole, in order, flushed
# and reopened as nginx's logs are, never a reason to stop; and what interopctl
# replay makes of it. AC-10 and AC-21: calls and recordings are always told.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use Fcntl qw(O_RDWR O_NONBLOCK);
use File::Basename qw(dirname);
use POSIX qw(mkfifo);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON;

my $LOG = 'logs/audit.log';

my $t = InteropEdge->start(
    http   => 'interop_audit_log %%DIR%%/logs/audit.log flush=20ms;',
    server => 'interop_fact now "2021-03-04T05:06:07Z";',
    locations => join "\n",
        'location /off/ { interop_audit_log off; rewrite ^/off(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }',
        'location /if/ { interop_audit_log %%DIR%%/logs/if.log flush=20ms if=$http_x_audit;
                         rewrite ^/if(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }',
        'location /watch/ { interop monitor; rewrite ^/watch(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }',
        'location /full/ { interop_audit_log /dev/full flush=20ms; rewrite ^/full(/.*)$ $1 break;
                           proxy_pass http://%%UPSTREAM%%; }');

sub lines {
    my ($file, $n) = @_;
    my @lines;
    $t->pump(sub { @lines = split /^/, $t->read_file($file); @lines >= $n });
    return @lines;
}

# what differs from run to run
sub plain {
    my ($line) = @_;
    $line =~ s/"time":"[0-9T:+-]+"/"time":"-"/;
    $line =~ s/"request_id":"[0-9a-f]{32}"/"request_id":"-"/;
    $line =~ s/"seconds":0\.\d{6}/"seconds":-/;
    $line =~ s/"revision":"[0-9a-f]{16}"/"revision":"-"/g;
    return $line;
}

# ------------------------------------------------------------ what is told

$t->teams(POST => $MESSAGES, body => $BOLD);
$t->teams(POST => $MESSAGES, body => '{"a":1,"a":2}');
$t->teams(POST => "/off$MESSAGES", body => $BOLD);
$t->teams(POST => "/watch$MESSAGES", body => '{"body":{"contentType":"text","content":"Secret seven"}}');
$t->request(GET => '/v1.0/teams-app', port => 'web');
my @lines = lines($LOG, 3);
is(scalar @lines, 3, 'one line for each judged request, none for others');
like($lines[0], qr/"facts":\{[^}]*"recipient\.linked_account":true/, 'facts of each recipient');
like($lines[0], qr/"facts":\{[^}]*"sender\.tenant\.edition\.teams_kaizala":"2018-12"/, 'and the others');
is(plain($lines[0]) =~ s/"facts":\{[^}]*\}/"facts":{-}/gr, do { local $/; open my $f, '<', "$InteropNginx::ROOT/t/lang/audit.txt" or die; <$f> },
    'the line is the one of t/lang/audit.txt');
is(plain($lines[1]), '{"time":"-","type":"decision","mode":"enforce","status":400,"request_id":"-","seconds":-,"judged":'
      . '{"revision":"-","api":"graph","operation":"message.send","kind":"other","from":"teams","now":"2021-03-04T05:06:07Z",'
      . '"features":{},"sender":"jonas","conversation":"' . ($CHAT =~ s{.*/}{}r) . '",'
      . '"verdict":"deny","reason":"malformed_body","rule":"malformed_body","notices":[]}}' . "\n", 'a body that cannot be read');
like($lines[2], qr/"mode":"monitor"/, 'what is only watched is told');
unlike(join('', @lines), qr/Secret|Gate|content/, 'and nothing of what was written');
ok(!grep({ !eval { InteropJSON::decode($_); 1 } } @lines), 'each line is JSON');

# --------------------------------------------------------------------- if=

$t->teams(POST => "/if$MESSAGES", body => $BOLD, headers => { 'X-Audit' => '0' });
$t->teams(POST => "/if$MESSAGES", body => $TEXT, headers => { 'X-Audit' => '1' });
$t->teams(POST => "/if$MESSAGES", body => $BOLD);
$t->teams(POST => '/if/v1.0/communications/calls/c1/updateRecordingStatus', body => '{"status":"recording"}');
@lines = lines('logs/if.log', 2);
is(join('', map { /"type":"(\w+)".*?"operation":"([\w.]+)"/ ? "$1 $2\n" : '?' } @lines),
    "decision message.send\nrecording recording.start\n", 'if= chooses, but for what must be told');
for my $item ('/communications/calls/c1/updateRecordingStatus","headers":{"Content-Type":"application/json"},"body":{"status":"recording"}', '/me"') {
    $t->teams(POST => '/if/v1.0/$batch', body => qq({"requests":[{"id":"1","method":"GET","url":"/me/drive"},{"id":"2","method":"POST","url":"$item}]}));
}
$t->teams(POST => "/if$MESSAGES", body => $BOLD, headers => { 'X-Audit' => '1' });
@lines = lines('logs/if.log', 4);
is(join('', map { /"type":"(\w+)".*?"operation":"([\w.]+)"/ ? "$1 $2\n" : '?' } @lines[2, 3]),
    "recording batch\ndecision message.send\n", 'and for a batch with one that must be');

# AC-10: a call between two systems, whatever becomes of it
$t->teams(POST => '/if/v1.0/communications/calls', headers => { 'X-Audit' => '0' },
    body => qq({"targets":[{"identity":{"user":{"id":"$InteropEdge::mira"}}}],"requestedModalities":["audio"]}));
@lines = lines('logs/if.log', 5);
like($lines[4], qr/"type":"call",.*"operation":"call\.create",.*"from":"teams",.*"id":"mira","system":"kaizala"/,
    'a call between two systems is told');

# several requests in one: each of them
$t->teams(POST => '/v1.0/$batch', body => qq({"requests":[
    {"id":"1","method":"POST","url":"/chats/$CHAT/messages","headers":{"content-type":"application/json"},"body":$TEXT},
    {"id":"2","method":"POST","url":"/chats/$CHAT/messages","headers":{"content-type":"application/json"},"body":$BOLD}]})
    =~ s{/v1\.0/chats/}{}gr);
@lines = lines($LOG, 4);
is(join(' ', map { "$_->{operation}:$_->{verdict}" } @{ InteropJSON::decode($lines[3])->{judged}{items} }),
    'message.send:deliver message.send:placeholder', 'requests of a batch are told one by one');

# ------------------------------------------------------- reopening, the end

rename "$t->{dir}/$LOG", "$t->{dir}/$LOG.1" or die;
$t->teams(POST => $MESSAGES, body => $TEXT);
kill USR1 => $t->pid;
ok($t->pump(sub { $t->teams(POST => $MESSAGES, body => $TEXT); -s "$t->{dir}/$LOG" }), 'lines go to a new file');
my @old = split /^/, $t->read_file("$LOG.1");
cmp_ok(scalar @old, '>=', 5, 'what came before stands in the old one');
$t->write("$LOG.1", join '', @old[0 .. 2, 4]);

# ------------------------------------------------------------------ trouble

$t->allow(qr{interop_audit_log "/dev/full" lost \d+ lines \(28: No space left on device\)});
is($t->teams(POST => "/full$MESSAGES", body => $TEXT)->{status}, 201, 'a full disk is no reason to refuse') for 1 .. 3;
ok($t->pump(sub { $t->error_log =~ /lost \d+ lines/ }), 'it is told');
is(scalar(() = $t->error_log =~ /lost \d+ lines/g), 1, 'once per minute');

# ------------------------------------------------------------------- replay

{
    my ($status, $said) = $t->ctl('replay', '--policy', "$InteropNginx::ROOT/conf.d", "$t->{dir}/$LOG.1");
    is($said, "3 requests, 3 recipients: 0 change, 0 cannot be told, 1 were not decided by rules\n",
        'the same policy says the same');
    is($status, 0, 'which is good');
}

{
    system('cp', '-r', "$InteropNginx::ROOT/conf.d", "$t->{dir}/other") == 0 or die;
    my $file = 'other/policies/teams-kaizala.rules';
    my $text = $t->read_file($file);
    $text =~ s/(message\.send message\.reply  \*\s+)placeholder  rich_text_unsupported/${1}plain_text  / or die;
    $text =~ s/(deny different_organization  when )/${1}sender.country == XX or / or die;
    $t->write($file, $text);
    my ($status, $said) = $t->ctl('replay', '--policy', "$t->{dir}/other", "$t->{dir}/$LOG.1");
    is($said, "3 requests, 3 recipients: 0 change, 3 cannot be told, 1 were not decided by rules\n"
          . "       2  message.send text teams -> kaizala: deliver => ? it hangs on sender.country, which was not recorded\n"
          . "          first: $t->{dir}/$LOG.1:3\n"
          . "       1  message.send rich_text teams -> kaizala: placeholder rich_text_unsupported => ?"
          . " it hangs on sender.country, which was not recorded\n"
          . "          first: $t->{dir}/$LOG.1:1\n", 'what hangs on a fact of which nobody asked cannot be told');
    is($status, 1, 'and is found');
    $text =~ s/sender\.country == XX or // or die;
    $t->write($file, $text);
    ($status, $said) = $t->ctl('replay', '--policy', "$t->{dir}/other", "$t->{dir}/$LOG.1");
    is($said, "3 requests, 3 recipients: 1 change, 0 cannot be told, 1 were not decided by rules\n"
          . "       1  message.send rich_text teams -> kaizala: placeholder rich_text_unsupported => plain_text"
          . "  (teams_kaizala.KT-16)\n"
          . "          first: $t->{dir}/$LOG.1:1\n", 'another rule says another thing');
    is($status, 1, 'which is found');
}

# lines that are none, and a policy without the system that sent something
{
    my $log = $t->read_file("$LOG.1");
    $t->write('torn.log', "$log\n{\"judged\":{\"op\n{}\n");
    my ($status, $said) = $t->ctl('replay', '--policy', "$InteropNginx::ROOT/conf.d", "$t->{dir}/torn.log");
    my $lines = ($log =~ tr/\n//) + 2;
    is($said, "interopctl: $t->{dir}/torn.log:$lines: this line is no audit record\n"
        . 'interopctl: ' . "$t->{dir}/torn.log:" . ($lines + 1) . ": this line is no audit record\n"
        . "3 requests, 3 recipients: 0 change, 0 cannot be told, 1 were not decided by rules, 2 lines could not be read\n",
        'lines that cannot be read are told and counted');
    is($status, 1, 'and are found: nothing is known of them');
    $t->write('gone.log', $log =~ s/"from":"teams"/"from":"pager"/gr);
    ($status, $said) = $t->ctl('replay', '--policy', "$InteropNginx::ROOT/conf.d", "$t->{dir}/gone.log");
    like($said, qr/\A3 requests, 0 recipients: 0 change, 3 cannot be told, 1 were not decided by rules\n(?: +\d  message\.send pager: \w+ => \? the policy has no system pager\n +first: \S+\n){2}\z/,
        'a system that the policy does not have');
    is($status, 1, 'cannot be told either');
}

# a pipe whose reader sleeps loses lines, and nothing else
{
    mkfifo("$t->{dir}/pipe", 0600) or die "mkfifo: $!";
    sysopen my $reader, "$t->{dir}/pipe", O_RDWR | O_NONBLOCK or die "pipe: $!";
    $t->conf($t->front(server => 'interop_audit_log %%DIR%%/pipe buffer=4k flush=20ms;',
        locations => 'location /late/ { interop_audit_log %%DIR%%/logs/late.log flush=1h;
                                        rewrite ^/late(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }'));
    ok($t->reload(wait => 1), 'a configuration with a pipe');
    $t->allow(qr{interop_audit_log "[^"]+/pipe" lost \d+ lines \(11: Resource temporarily unavailable\)});
    my $good = grep { $t->teams(POST => $MESSAGES, body => $TEXT)->{status} == 201 } 1 .. 90;
    is($good, 90, 'no request waits for it');
    ok($t->error_log =~ m{/pipe" lost 1 lines}, 'and it is told');
    my ($got, $part) = ('', '');
    $got .= $part while sysread $reader, $part, 65536;
    $got =~ s/[^\n]*\z//;
    ok(!grep({ !eval { InteropJSON::decode($_); 1 } } split /\n/, $got), 'the lines that are there are whole');
    $t->teams(POST => "/late$MESSAGES", body => $TEXT);
    is($t->read_file('logs/late.log'), '', 'what is gathered is not there yet');
    $t->stop;
    is(scalar(() = $t->read_file('logs/late.log') =~ /\n/g), 1, 'a worker that ends writes it');
}

$t->done_testing;
