#!/usr/bin/perl
# X-8: monitor mode changes, adds, removes and blocks nothing, whatever would
# have happened; it tells in the log and in variables, and it remembers.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

my $t = InteropEdge->start(
    http => 'log_format would "$request_uri|$interop_verdict|$interop_reason|$interop_operation|$interop_kind";
        server { listen %%ADDR:off%%; listen %%ADDR:off2%% http2; interop off; interop_api graph;
            access_log %%DIR%%/logs/would would; location / { proxy_pass http://%%UPSTREAM%%; } }',
    server => 'interop monitor; interop_max_body 20k; access_log %%DIR%%/logs/would would;',
    locations => 'location /on/ { interop enforce; rewrite ^/on(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }');

# the bytes that upstream gets are those it would get without us
sub same {
    my ($name, $method, $target, %o) = @_;
    my @got;
    for my $port (($o{mode} // '') eq 'h2' ? qw(off2 h2) : qw(off web)) {
        my $r = $t->request($method, $target, %o, port => $port, headers => { 'X-User' => 'jonas',
            $o{body} ? ('Content-Type' => 'application/json') : (), %{ $o{headers} || {} } });
        my $got = $t->got;
        my $raw = $got ? $got->{raw} : 'nothing';
        push @got, { raw => $raw, status => $r->{status}, body => $r->{body},
                     headers => join ' ', grep { !/^date$/ } sort keys %{ $r->{headers} } };
    }
    is($got[1]{raw}, $got[0]{raw}, "$name: upstream gets the same bytes");
    is_deeply($got[1], $got[0], "$name: the client gets the same");
}

my ($big) = bold(30_000);
my $batch = '{"requests":[' . join(',', map { s{/v1\.0}{}r } qq({"id":"1","method":"POST","url":"$MESSAGES","headers":{"Content-Type":"application/json"},"body":$BOLD}),
    qq({"id":"2","method":"POST","url":"$NEW/messages","headers":{"Content-Type":"application/json"},"body":$TEXT}),
    qq({"id":"3","method":"PATCH","url":"$MESSAGES/7","headers":{"Content-Type":"application/json"},"body":$TEXT,"dependsOn":["2"]})) . ']}';
my %evil = ('Interop-Cross' => 'x', 'X-HTTP-Method-Override' => 'DELETE');
for my $mode ('', 'chunked', 'h2') {
    my $name = $mode || 'plain';
    same("$name, deliver", POST => $MESSAGES, body => $TEXT, mode => $mode);
    same("$name, placeholder", POST => $MESSAGES, body => $BOLD, mode => $mode, headers => {%evil});
    same("$name, deny", POST => "$NEW/messages", body => $TEXT, mode => $mode);
    same("$name, drop", POST => "$MESSAGES/1/setReaction", body => '{"reactionType":"like"}', mode => $mode);
    same("$name, malformed", POST => $MESSAGES, body => '{"a":1,"a":2', mode => $mode);
    same("$name, wrong type", POST => $MESSAGES, body => $TEXT, mode => $mode, headers => { 'Content-Type' => 'image/png' });
    same("$name, too large", POST => $MESSAGES, body => $big, mode => $mode);
    same("$name, batch", POST => '/v1.0/$batch', body => $batch, mode => $mode);
    same("$name, unmatched", POST => '/v1.0/chats/a/b/c', body => $TEXT, mode => $mode);
}
same('GET', GET => $CHAT);
same('HEAD', HEAD => $CHAT);
same('malformed path', GET => "$CHAT%2Fmessages");
same('path that would be normalised', GET => "$CHAT/./messages//?%24top=3");

# nothing is asked of upstream that the client has not asked
{
    my $edit = '{"body":{"contentType":"text","content":"Gate 4"}}';
    $t->teams(PATCH => "$MESSAGES/4711", body => $edit);
    my @got = $t->got;
    is(join(' ', map { "$_->{method} $_->{uri} $_->{body}" } @got), "PATCH $MESSAGES/4711 $edit", 'an unknown original is not fetched');
}

# the log tells
{
    my $log = $t->error_log;
    like($log, qr/\[notice\] .*interop monitor: verdict placeholder, reason "rich_text_unsupported", rule "[^"]+", operation message\.send/,
        'error.log: what would have been replaced');
    like($log, qr/interop monitor: verdict placeholder, reason "rich_text_unsupported", rule "[^"]+", operation batch/, 'error.log: a batch');
    like($log, qr/interop monitor: verdict deny, reason "failed_dependency", rule "failed_dependency", operation message\.edit/,
        'error.log: an item of a batch');
    like($log, qr/interop monitor: verdict deny, reason "must_start_in_kaizala"/, 'error.log: refused');
    like($log, qr/interop monitor: verdict deny, reason "body_too_large"/, 'error.log: too large');
    $t->pump(sub { $t->read_file('logs/would') =~ /unmatched/ }, 3);
    my $would = $t->read_file('logs/would');
    like($would, qr/^\Q$MESSAGES\E\|placeholder\|rich_text_unsupported\|message\.send\|rich_text$/m, 'variables: replaced');
    like($would, qr/^\Q$MESSAGES\E\|deny\|malformed_body\|/m, 'variables: malformed');
    like($would, qr/^\Q$MESSAGES\E\|-\|-\|-\|-$/m, 'variables: off is not judged');
}

# what happens is remembered all the same: a first message starts the chat
{
    my $r = $t->teams(POST => "/on$NEW/messages", body => $TEXT);
    is(InteropEdge::reason($r), 'must_start_in_kaizala', 'not started');
    $t->kaizala(POST => '/v1/groups/g8/messages', body => '{"message":"Gate 3"}', headers => { 'X-User' => 'ruth' });
    my $started = $t->pump(sub { my ($s, $out) = $t->ctl('conversation', 'show', 'g8', '--store', $t->dir . '/store');
                                 $out =~ /started\W+true|started\W+1/ }, 5);
    ok($started, 'a message in monitor mode starts it, durably');
    $r = $t->teams(POST => "/on$NEW/messages", body => $TEXT);
    is(InteropEdge::verdict($r), 'deliver', 'and it is started where the policy is enforced');
}

$t->done_testing;
