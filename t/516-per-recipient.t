#!/usr/bin/perl
# per_recipient through nginx: upstream and client are told what each system gets,
# in one header that nobody else can write; the audit log tells it too.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;
use InteropJSON qw(decode);

my $chat = '/v1.0/chats/19:three@thread.v2/messages';
my $t = InteropEdge->start(start => 0, facts => 0, policy => '%%DIR%%/fan.rules',
    http => 'interop_audit_log %%DIR%%/logs/audit.log flush=20ms;', locations => <<'END' =~ s/%%CHAT%%/$chat/r);
    location /watch/ { interop monitor; rewrite ^/watch(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
    location /mirrored/ { interop off; mirror %%CHAT%%; proxy_pass http://%%UPSTREAM%%; }
    location /native/ { interop_leg native; rewrite ^/native(/.*)$ $1 break; proxy_pass http://%%UPSTREAM%%; }
END
$t->write('fan.rules', join '', (map { qq(include "$_";\n) } "$InteropNginx::ROOT/conf.d/vocabulary.rules", glob "$InteropNginx::ROOT/conf.d/apis/*.rules"), <<'END');
policy fan_out on teams { per_recipient graph; }
policy k between teams and kaizala {
    matrix teams -> kaizala { message.send rich_text plain_text rich_text_unsupported;  * deliver; }
    matrix kaizala -> teams { * deliver; }
}
policy s between teams and sfb {
    matrix teams -> sfb { message.send text rich_text deny scope_not_supported;  * deliver; }
    matrix sfb -> teams { * deliver; }
}
END
my $person = qq("tenant":"$InteropEdge::tenant","systems":["teams","kaizala","sfb"]);
$t->facts(qq({"kind":"tenant","id":"$InteropEdge::tenant","country":"IN"}\n)
    . join('', map { qq({"kind":"user","id":"$_->[0]",$person,"reads_on":"$_->[1]"}\n) } [qw(jonas teams)], [qw(nora teams)], [qw(mira kaizala)], [qw(sven sfb)])
    . qq({"kind":"conversation","id":"19:three\@thread.v2","type":"group","participants":["jonas","nora","mira","sven"],"tenant":"$InteropEdge::tenant"}\n)
    . qq({"kind":"conversation","id":"19:two\@thread.v2","type":"group","participants":["jonas","sven"],"tenant":"$InteropEdge::tenant"}\n));
$t->InteropNginx::start;

my %evil = ('Interop-Recipients' => 'sfb=deliver', 'INTEROP-RECIPIENTS' => 'sfb=deliver', 'interop-cross' => 'sfb;verdict=deliver');
my $all = 'teams=deliver, kaizala=plain_text;reason=rich_text_unsupported, sfb=deny;reason=scope_not_supported';

for my $mode ('', 'h2') {
    my $name = $mode || 'plain';
    my $r = $t->teams(POST => $chat, body => $BOLD, mode => $mode, headers => {%evil});
    my @got = $t->got;
    is(scalar @got, 1, "$name: upstream is asked once");
    is($got[0]{headers}{'interop-recipients'}, $all, "$name: upstream is told, by the edge alone");
    is($got[0]{headers}{'interop-cross'}, undef, "$name: nothing else of the client's");
    is($got[0]{body}, '{"body":{"contentType":"text","content":"Gate 3"}}', "$name: one body, as the strictest has it");
    is("$r->{status} $r->{headers}{'interop-recipients'}", "201 $all", "$name: the client is told");
    is(InteropEdge::verdict($r), 'plain_text', "$name: the verdict is the body's");

    $r = $t->teams(POST => $chat, body => $TEXT, mode => $mode);
    my $got = $t->got;
    is($got->{headers}{'interop-recipients'}, 'teams=deliver, kaizala=deliver, sfb=deny;reason=scope_not_supported', "$name: a text goes to the others");
    is($got->{body}, $TEXT, "$name: to the byte");

    $r = $t->teams(POST => $chat =~ s/three/two/r, body => $TEXT, mode => $mode, headers => {%evil});
    is("$r->{status} " . InteropEdge::reason($r), '403 scope_not_supported', "$name: where nobody would get it, it is denied");
    is($r->{headers}{'interop-recipients'}, undef, "$name: and nobody is named");
    is(scalar(my @none = $t->got), 0, "$name: upstream is not asked");
}

# upstream's own word on it does not reach the client
$t->upstream->answers({ status => 201, json => '{"id":"1"}', headers => { 'Interop-Recipients' => 'sfb=deliver', 'X-Own' => 1 } });
my $own = $t->teams(POST => $chat, body => $BOLD);
is("$own->{headers}{'x-own'} $own->{headers}{'interop-recipients'}", "1 $all", 'what upstream says of it is not handed on');
$t->got;

my $r = $t->teams(POST => "/native$chat", body => $BOLD);
my $got = $t->got;
is($got->{body}, $BOLD, 'native: to the byte');
is($got->{headers}{'interop-cross'}, 'kaizala;verdict=plain_text;reason=rich_text_unsupported;text="Gate 3", sfb;verdict=deny;reason=scope_not_supported',
    'native: what the fan-out has to do, and where nothing goes');

$r = $t->teams(POST => "/watch$chat", body => $BOLD);
$got = $t->got;
is($got->{body}, $BOLD, 'monitor: to the byte');
is($got->{headers}{'interop-recipients'}, undef, 'monitor: no header goes');
is($r->{headers}{'interop-recipients'}, undef, 'monitor: none comes');

# a subrequest cannot carry the header: it does not pass, on neither leg
$t->allow(qr/interop refused a subrequest it would have to change/);
$t->teams(POST => '/mirrored/x', body => $TEXT);
my @mirrored;
$t->pump(sub { push @mirrored, $t->got; grep { $_->{uri} eq '/mirrored/x' } @mirrored });
like($t->error_log, qr/interop refused a subrequest it would have to change/, 'a mirror of it is refused');
is(scalar(grep { $_->{uri} eq $chat } @mirrored, $t->got), 0, 'and upstream gets none');

my @lines;
$t->pump(sub { @lines = split /^/, $t->read_file('logs/audit.log'); @lines >= 9 });
like($lines[0], qr/"systems":\{"teams":\{"verdict":"deliver"\},"kaizala":\{"verdict":"plain_text","reason":"rich_text_unsupported"\},"sfb":\{"verdict":"deny","reason":"scope_not_supported"\}\}/,
    'the audit log tells each system');
is(scalar(grep { /"systems"/ } $lines[2], $lines[5]), 0, 'but for what went nowhere') or diag(@lines[2, 5]);
my ($status, $said) = $t->ctl('replay', '--policy', "$t->{dir}/fan.rules", "$t->{dir}/logs/audit.log");
like($said, qr/^9 requests, 2\d recipients: 0 change, 0 cannot be told$/m, 'replay decides it again');
$t->done_testing;
