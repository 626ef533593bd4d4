#!/usr/bin/perl
# A meeting instead: its requests as nginx makes them. Where they go, what of
# the client's request goes with them, every way in which they fail; and that
# requests at the same time, in several workers, make one meeting of all.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

my $tenant = '5d100000-0000-4000-8000-0000000000f1';
my $LINK = 'https://meet.quay.example/otto/Z1';

# otto (Skype for Business) and ines (Teams) have conversations q1, q2, ...
sub world {
    my ($n) = @_;
    return join '', map { "$_\n" } qq({"kind":"tenant","id":"$tenant"}),
        qq({"kind":"user","id":"otto","tenant":"$tenant","systems":["sfb"],"mode":"SfBOnly","aliases":["sip:otto\@quay.example"]}),
        (map { qq({"kind":"user","id":"$_","tenant":"$tenant","systems":["teams"],"mode":"TeamsOnly","aliases":["sip:$_\@quay.example"]}) }
            qw(ines ruth)),
        map { qq({"kind":"conversation","id":"q$_","type":"one_on_one","participants":["otto","ines"],"started":true}) } 1 .. $n;
}

# the pack, but that nobody waits as long
sub policy {
    my ($dir) = @_;
    mkdir $_ or die "$_: $!" for $dir, "$dir/apis", "$dir/policies";
    for my $file (map { glob "$InteropNginx::ROOT/conf.d/$_" } '*.rules', '*/*.rules') {
        open my $in, '<:raw', $file or die "$file: $!";
        my $text = do { local $/; <$in> };
        $text =~ s/^(\s*wait\s+)10s;/${1}1s;/mg;
        open my $out, '>:raw', $dir . substr($file, length "$InteropNginx::ROOT/conf.d") or die "$dir: $!";
        print {$out} $text;
    }
    return $dir;
}

my $next = 0;
sub start {
    my (%o) = @_;
    my $t = InteropEdge->start(facts => 0, start => 0, http => "add_header X-Pid \$pid always;\nlog_format told '\$request_uri \$interop_system';",
        server => 'access_log %%DIR%%/told.log told;', locations => <<"END", conf => { workers => 2 }, %o);
        location /ucwa/ {
            interop_api ucwa;
            proxy_set_header X-System \$interop_system;
            proxy_read_timeout @{[ $o{patience} // '1s' ]};
            proxy_pass http://%%UPSTREAM%%;
        }
        @{[ $o{more} // '' ]}
END
    $t->facts(world(60));
    $t->InteropNginx::start;
    return $t;
}

sub target { return "/ucwa/v1/applications/7/communication/conversations/q$_[0]/addParticipant" }
my $BODY = '{"operationId":"op-1","to":"sip:ruth@quay.example"}';
my %HEADERS = ('X-User' => 'otto', 'Interop-Escalate' => 'meeting', 'Content-Type' => 'application/json');
sub ask { my ($t, $n, %o) = @_; return $t->request(POST => target($n), port => 'web', body => $BODY, %o, headers => { %HEADERS, %{ $o{headers} || {} } }) }
sub made { return { status => 201, json => qq({"onlineMeetingId":"Z1","joinUrl":"$LINK"}), @_ } }
sub told { return { status => 201, text => '', @_ } }
sub said { my ($r) = @_; return "$r->{status} " . InteropEdge::verdict($r) . ' ' . InteropEdge::reason($r) }
sub paths { return join ' ', map { ($_->{uri} =~ m{/(myOnlineMeetings|messages)$})[0] // $_->{uri} } @_ }

# ------------------------------------------------------- the requests made

my $t = start(more => <<'END');
    location /far/ {
        interop_api ucwa;
        interop_system sfb /_meetings;
        interop_system teams /_bridge?x=1;
        rewrite ^/far(/.*)$ $1 break;
        proxy_pass http://%%UPSTREAM%%;
    }
    location = /_meetings { internal; proxy_set_header X-System $interop_system; proxy_pass http://%%UPSTREAM:far%%; }
    location = /_bridge { internal; proxy_set_header X-System $interop_system; proxy_pass http://%%UPSTREAM:bridge%%/to$request_uri; }
    location /named/ {
        interop_api ucwa;
        rewrite ^/named(/.*)$ $1 break;
        set $seen $request_uri;
        proxy_pass http://%%UPSTREAM%%$request_uri;
    }
END
my $up = $t->upstream;

for my $mode ('', 'chunked', 'slow', 'h2') {
    my $name = $mode || 'plain';
    my $n = ++$next;
    $up->answers(made(), told());
    my $r = ask($t, $n, mode => $mode, headers => { Authorization => 'Bearer cwt', 'X-HTTP-Method-Override' => 'DELETE', Range => 'bytes=0-1' },
        $mode eq 'h2' ? (port => 'h2') : ());
    my @got = $t->got;
    is(said($r), '409 escalate escalated_to_meeting', "$name: escalated") or diag($t->error_log);
    is($r->{headers}{'interop-meeting'}, $LINK, "$name: with the link in the header");
    like($r->{body}, qr/"message":"[^"]*Join: \Q$LINK\E"/, "$name: and in the message");
    is($r->{headers}{'cache-control'}, 'no-store', "$name: which nobody may keep");
    is(join(' ', map { "$_->{method} $_->{uri}" } @got), "POST /ucwa/v1/applications/7/onlineMeetings/myOnlineMeetings "
        . "POST /ucwa/v1/applications/7/communication/conversations/q$n/messaging/messages", "$name: two requests");
    is_deeply([ map { $_->{headers}{authorization} } @got ], [ ('Bearer cwt') x 2 ], "$name: with the client's credentials");
    is_deeply([ map { $_->{headers}{'content-type'} } @got ], [qw(application/json text/plain)], "$name: and types of their own");
    is_deeply([ map { $_->{headers}{'content-length'} } @got ], [ map { length $_->{body} } @got ], "$name: and whole");
    is($got[1]{body}, "Join the Skype for Business meeting: $LINK", "$name: the link is told");
    is_deeply([ grep { /^(?:interop-|x-http-|range|transfer-)/ } map { keys %{ $_->{headers} } } @got ], [], "$name: no more of the client's");
    is_deeply([ map { $_->{headers}{'x-system'} } @got ], [qw(sfb teams)], "$name: \$interop_system names whose they are");
    is(said(ask($t, $n)), '409 escalate escalated_to_meeting', "$name: again");
    is(scalar(my @none = $t->got), 0, "$name: the same meeting, nobody is told twice");
}

{
    my $n = ++$next;
    $t->upstream('far')->answers(made());
    $t->upstream('bridge')->answers(told());
    my $r = $t->request(POST => '/far' . target($n), port => 'web', body => $BODY, headers => \%HEADERS);
    is(said($r), '409 escalate escalated_to_meeting', 'interop_system: escalated') or diag($t->error_log);
    is(scalar(my @none = $t->got), 0, 'interop_system: nothing to the location itself');
    my ($far, $bridge) = map { $t->upstream($_)->requests } qw(far bridge);
    is(join(' ', map { "$_->{uri} $_->{headers}{'x-system'}" } @$far), '/ucwa/v1/applications/7/onlineMeetings/myOnlineMeetings sfb',
        'interop_system: the meeting goes to its system, under its own path');
    is(join(' ', map { "$_->{uri} $_->{headers}{'x-system'}" } @$bridge),
        "/to/ucwa/v1/applications/7/communication/conversations/q$n/messaging/messages teams", 'interop_system: the link to that of who reads it');

    $n = ++$next;
    $up->answers(made(), told());
    $r = $t->request(POST => '/named' . target($n), port => 'web', body => $BODY, headers => \%HEADERS);
    is(said($r), '409 escalate escalated_to_meeting', '$request_uri: escalated');
    is(paths($t->got), 'myOnlineMeetings messages', '$request_uri: is each request\'s own');
    my $line = qr{^/named\Q@{[ target($n) ]}\E teams$}m;
    $t->pump(sub { $t->read_file('told.log') =~ $line }, 10);
    like($t->read_file('told.log'), $line, '$request_uri: and the client\'s afterwards');
}

# --------------------------------------------------------------- failures

sub fails {
    my ($name, $answers, $said, $paths, %o) = @_;
    my $n = ++$next;
    $up->answers(@$answers);
    my $r = ask($t, $n);
    is(said($r), $said, "$name: is told") or diag($t->error_log);
    is(paths($t->got), $paths, "$name: what was sent");
    ok(!defined $r->{headers}{'interop-meeting'}, "$name: no link");
    unlike($r->{headers}{'interop-notice'} // '', qr/joins-/, "$name: nobody joins");
    like($r->{body}, $o{body} // qr/"subcode":"\w+"/, "$name: " . ($o{body} ? 'as upstream said it' : 'in the form of the API'));
    unlike($r->{body}, qr/<html>|nginx/i, "$name: no page of nginx") if !$o{body};
    $up->answers($o{again} ? @{ $o{again} } : (made(), told()));
    is(said(ask($t, $n)), '409 escalate escalated_to_meeting', "$name: the next attempt succeeds");
    is(paths($t->got), $o{again} ? 'messages' : 'myOnlineMeetings messages', "$name: with what was missing");
}
my @again = (again => [ told() ]);
{
    my $n = ++$next;
    for my $h ([ 401, { 'WWW-Authenticate' => [ 'Bearer realm="quay"', 'Negotiate' ] }, 'www-authenticate', 'Bearer realm="quay", Negotiate' ],
               [ 429, { 'Retry-After' => '17' }, 'retry-after', '17' ], [ 503, { 'Retry-After' => 'Wed, 21 Oct 2026 07:28:00 GMT' }, 'retry-after', 'Wed, 21 Oct 2026 07:28:00 GMT' ]) {
        my ($status, $headers, $name, $value) = @$h;
        $up->answers({ status => $status, json => '{}', headers => { %$headers, 'X-Theirs' => '1' } });
        my $r = ask($t, $n);
        is($r->{headers}{$name}, $value, "$status: $name is handed on");
        is($r->{headers}{'x-theirs'}, undef, "$status: and no other header");
    }
    $up->answers(made(), { status => 429, json => '{}', headers => { 'Retry-After' => '9' } });
    is(ask($t, $n)->{headers}{'retry-after'}, 9, 'the link is refused for now: when to come again');
    $up->answers(told(headers => { 'Retry-After' => '9', 'WWW-Authenticate' => 'Negotiate' }));
    my $r = ask($t, $n);
    is(said($r), '409 escalate escalated_to_meeting', 'it is told');
    is($r->{headers}{$_}, undef, "of a success no $_") for qw(retry-after www-authenticate);
    $t->got;
}
fails('refused', [ { status => 401, json => '{"code":"Unauthorized"}' } ], '401 escalate meeting_not_created', 'myOnlineMeetings', body => qr/^\{"code":"Unauthorized"\}$/);
fails('gone', [ { close => 'before' } ], '502 escalate meeting_not_created', 'myOnlineMeetings');
fails('dies', [ made(close => 'within') ], '502 escalate meeting_not_created', 'myOnlineMeetings');
fails('late', [ made(delay => 3) ], '504 escalate meeting_not_created', 'myOnlineMeetings');
fails('compressed', [ made(headers => { 'Content-Encoding' => 'gzip' }) ], '502 escalate meeting_without_link', 'myOnlineMeetings');
fails('too large', [ made(json => '{"z":"' . 'z' x 1_200_000 . qq(","joinUrl":"$LINK"})) ], '502 escalate meeting_without_link', 'myOnlineMeetings');
fails('link refused', [ made(), { status => 403, json => '{"code":"Forbidden","subcode":"Own"}' } ], '403 escalate link_not_delivered', 'myOnlineMeetings messages',
    body => qr/^\{"code":"Forbidden","subcode":"Own"\}$/, @again);
fails('link gone', [ made(), { close => 'before' } ], '502 escalate link_not_delivered', 'myOnlineMeetings messages', @again);
fails('link late', [ made(), told(delay => 3) ], '504 escalate link_not_delivered', 'myOnlineMeetings messages', @again);
{
    my $n = ++$next;
    $up->answers(made(), told(headers => { 'Content-Encoding' => 'gzip' }));
    is(said(ask($t, $n)), '409 escalate escalated_to_meeting', 'that it was told is known by the status');
    $t->got;
}

# ------------------------------------------------------- at the same time

sub raw { my ($n) = @_; return join "\r\n", "POST @{[ target($n) ]} HTTP/1.1", 'Host: a', (map { "$_: $HEADERS{$_}" } sort keys %HEADERS),
    'Content-Length: ' . length $BODY, '', $BODY }

{
    my %pids;
    for my $round (1 .. 20) {
        my $n = ++$next;
        $up->answers(made(delay => 0.2), told(delay => 0.1));
        my @c = map { $t->connect('web') } 1 .. 6;
        $_->send(raw($n)) for @c;
        my @r = map { $_->response(timeout => 20) } @c;
        is(join(' | ', map { said($_) } @r), join(' | ', ('409 escalate escalated_to_meeting') x 6), "six at a time, round $round: all escalated")
            or diag($t->error_log);
        is(join(' ', map { $_->{headers}{'interop-meeting'} // 'none' } @r), join(' ', ($LINK) x 6), "six at a time, round $round: to one meeting");
        is(paths($t->got), 'myOnlineMeetings messages', "six at a time, round $round: made and told once");
        $pids{ $_->{headers}{'x-pid'} }++ for @r;
        $_->close for @c;
        last if keys %pids > 1;
    }
    is(scalar keys %pids, 2, 'by two workers');
}

# who goes away gives back what they claimed
{
    my $n = ++$next;
    $up->answers({ raw => '' });
    my $c = $t->connect('web');
    $c->send(raw($n));
    $t->pump(sub { @{ $up->requests } }, 10);
    $c->close;
    $t->got;
    $up->answers(made(), told());
    is(said(ask($t, $n, timeout => 5)), '409 escalate escalated_to_meeting', 'a client that went away: the next attempt does not wait for it');
}
$t->finish;

# who waits too long is told to come again
{
    my $dir = File::Temp->newdir('escalate-XXXXXX', TMPDIR => 1);
    $t = start(policy => policy("$dir/pack"), patience => '4s');
    $up = $t->upstream;
    my $n = ++$next;
    $up->answers({ raw => '' });
    my @c = map { $t->connect('web') } 1, 2;
    $c[0]->send(raw($n));
    $t->pump(sub { @{ $up->requests } }, 10);
    $c[1]->send(raw($n));
    my $r = $c[1]->response(timeout => 20);
    is(said($r), '503 deny meeting_under_way', 'another is still at it');
    is($r->{headers}{'retry-after'}, 1, 'with a time to come again');
    is(said($c[0]->response(timeout => 20)), '504 escalate meeting_not_created', 'which comes to nothing');
    is(paths($t->got), 'myOnlineMeetings', 'upstream was asked once');
    $up->answers(made(), told());
    is(said(ask($t, $n)), '409 escalate escalated_to_meeting', 'who comes again has it');
    $_->close for @c;
    $t->finish;
}

# ------------------------------------------------------------ configuration

$t = InteropEdge->start(facts => 0, start => 0);
for my $wrong ([ 'interop_system nowhere /x;', qr/policy ".*conf\.d" has no system "nowhere" in .*nginx\.conf:\d+/ ],
               [ 'interop_system sfb x;', qr/invalid URI "x" in/ ],
               [ 'interop_system sfb /x; interop_system sfb /y;', qr/"interop_system" directive is duplicate in/ ],
               [ 'interop_system sfb;', qr/invalid number of arguments in "interop_system" directive/ ]) {
    $t->conf($t->front(root => $wrong->[0]));
    my ($status, $said) = $t->check_conf;
    isnt($status, 0, "refused: $wrong->[0]");
    like($said, $wrong->[1], 'and says why');
}
$t->conf($t->front(root => 'interop_system sfb $arg_x;', server => 'interop_system teams /y;'));
is(($t->check_conf)[0], 0, 'accepted');
$t->allow(qr/has no system|invalid URI|is duplicate|invalid number/);
$t->finish;
done_testing();
