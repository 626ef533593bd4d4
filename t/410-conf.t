#!/usr/bin/perl
# The sample configurations in conf.d/: each passes `nginx -t` as it is but for
# ports, names and paths of this machine, and does in one request what it says.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropJSON qw(encode);
use InteropNginx;

InteropNginx->need(qw(curl openssl));
plan skip_all => "$InteropNginx::CTL is not built" unless -x $InteropNginx::CTL;

my $root = $InteropNginx::ROOT;
my ($tenant, $mira, $jonas) = map { "0a6d5f10-0000-4000-8000-0000000000$_" } qw(f1 c1 c2);
my $chat = "19:${mira}_$jonas\@unq.gbl.spaces";
my $facts = join "\n", map { s/\s+/ /gr } (
    qq({"kind":"tenant","id":"$tenant","country":"KE","residency":"EMEA","plan":"m365"}),
    qq({"kind":"user","id":"mira","tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true,
        "reads_on":"kaizala","aliases":["+254700000001","$mira"]}),
    qq({"kind":"user","id":"jonas","tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true,
        "reads_on":"teams","aliases":["+254700000002","$jonas"]}),
    qq({"kind":"conversation","id":"g7","aliases":["$chat"],"type":"one_on_one","participants":["mira","jonas"],
        "initiated_by":"kaizala","started":true,"org_mapped":true,"tenant":"$tenant"}),
    map({ my ($id, $systems, $mode) = @$_;
        qq({"kind":"user","id":"$id","tenant":"$tenant","systems":["$systems"],"mode":"$mode","homed":"online"}) }
        [ tea => 'teams', 'TeamsOnly' ], [ tom => 'teams', 'TeamsOnly' ], [ sue => 'sfb', 'SfBOnly' ]),
    map { qq({"kind":"conversation","id":"$_","type":"one_on_one","participants":["tea","$_"],"tenant":"$tenant"}) } qw(tom sue));
my $bold = '{"body":{"contentType":"html","content":"<p>Gate <b>3</b></p>"}}';

# a sample with this machine's ports, names and paths
sub local_copy {
    my ($t, $name) = @_;
    my $text = $t->read_file("$root/conf.d/$name");
    my @ports;
    $text =~ s{^load_module modules/.*\n}{}m;
    $text =~ s{^worker_processes.*\n}{}m;
    $text =~ s/listen (?:127\.0\.0\.1:)?(\d+)/push @ports, "p$1"; "listen %%ADDR:p$1%%"/ge;
    $text =~ s{/usr/share/ngx_interop}{%%ROOT%%/conf.d}g;
    $text =~ s{/var/lib/ngx_interop}{%%DIR%%/store}g;
    $text =~ s{/etc/nginx/tls}{%%DIR%%/conf}g;
    $text =~ s{/var/log/nginx}{%%DIR%%/logs}g;
    $text =~ s{(carrier|auth|gateway)\.internal:\d+}{%%UPSTREAM:$1%%}g;
    # `access_log off` would silence a log of the same level
    my $http = $t->expand('%%HTTP%%') =~ s/access_log off;//r;
    $text =~ s/^http \{\n/http {\n$http\n/m;
    return ($text, @ports);
}

sub prepare {
    my ($name) = @_;
    my $t = InteropNginx->new;
    my ($text, @ports) = local_copy($t, $name);
    my $tls = $t->dir . '/conf/front';
    my ($status, $said) = $t->run(qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -batch -subj /CN=graph.example),
        '-keyout', "$tls.key", '-out', "$tls.crt");
    is($status, 0, "$name: a certificate") or diag($said);
    ($status, $said) = $t->ctl('import', '--store', $t->dir . '/store', $t->write('facts.jsonl', "$facts\n"));
    is($status, 0, "$name: facts imported") or diag($said);
    $t->conf($text);
    ($status, $said) = $t->check_conf;
    is($status, 0, "$name: nginx -t") or diag($said);
    $t->start if $status == 0;
    return $status == 0 ? ($t, @ports) : ($t);
}

my %told;
for my $name (map { basename($_) } sort glob "$root/conf.d/*.conf") {
    my ($t, @ports) = prepare($name);
    if (@ports) { $told{$name} = 1; no strict 'refs'; my $check = $name =~ s/\W/_/gr; &$check($t, @ports) }
    $t->finish;
}
is_deeply([ sort keys %told ], [qw(beside-existing-front.conf minimal.conf monitor.conf routing.conf)], 'each was asked something');
done_testing();

sub minimal_conf {
    my ($t, @ports) = @_;
    my $up = $t->upstream('carrier');
    my $r = $t->request(POST => "/v1.0/chats/$chat/messages", body => $bold, port => $ports[0], mode => '',
        headers => { 'Content-Type' => 'application/json', 'X-User' => 'jonas' });
    like($r->{headers}{'interop-verdict'}, qr/^placeholder;/, 'minimal.conf: rich text is replaced');
    like($up->requests->[0]{body} // '', qr/Unsupported message/, 'minimal.conf: upstream got the placeholder');
    is($up->requests->[0]{headers}{'x-user'}, undef, 'minimal.conf: the trusted header stays here');
    $up->reset;
    $r = $t->request(POST => '/v1/groups/g7/messages', body => '{"message":"Gate 3"}', port => $ports[1], mode => '',
        headers => { 'Content-Type' => 'application/json', 'X-User' => 'mira' });
    like($r->{headers}{'interop-verdict'}, qr/^deliver\b/, 'minimal.conf: text is delivered');
    is($up->requests->[0]{body}, '{"message":"Gate 3"}', 'minimal.conf: byte for byte');
}

sub beside_existing_front_conf {
    my ($t, $port) = @_;
    my $name = 'beside-existing-front.conf';
    my ($up, $auth) = map { $t->upstream($_) } qw(carrier auth);
    $auth->default({ status => 204, headers => { 'X-User' => 'jonas' } });
    my $file = $t->write('body.json', $bold);
    my @curl = ('curl', '-q', '-s', '-i', '-k', '--http2', '--path-as-is', '-H', 'Content-Type: application/json');
    my $at = 'https://127.0.0.1:' . $t->port($port);
    my ($status, $out) = $t->run(@curl, '--data-binary', "\@$file", "$at/v1.0/chats/$chat/messages");
    is($status, 0, "$name: TLS and HTTP/2");
    like($out, qr/^HTTP\/2 200/, "$name: answered over HTTP/2");
    like($out, qr/^interop-verdict: placeholder;/mi, "$name: judged");
    like($up->requests->[0]{body} // '', qr/Unsupported message/, "$name: upstream got the placeholder");
    $up->reset;
    my $bytes = join '', map { chr } 0 .. 255;
    ($status, $out) = $t->run(@curl, '-T', $t->write('file.bin', $bytes), "$at/drive/v1.0/chats/x");
    is($up->requests->[0]{body}, $bytes, "$name: what is beside the chat API is not touched");
    unlike($out, qr/^interop-/mi, "$name: nor told about");
    $t->stop;
    like($t->read_file('logs/chat.log'), qr/verdict=placeholder reason=rich_text_unsupported tenant=$tenant op=message\.send/,
        "$name: the log tells");
}

sub monitor_conf {
    my ($t, $port) = @_;
    my $up = $t->upstream('carrier');
    my $r = $t->request(POST => "/v1.0/chats/$chat/messages", body => $bold, port => $port, mode => '',
        headers => { 'Content-Type' => 'application/json', 'X-User' => 'jonas' });
    is($r->{status}, 200, 'monitor.conf: answered');
    is($up->requests->[0]{body}, $bold, 'monitor.conf: nothing is changed');
    is_deeply([ grep { /^interop-/ } keys %{ $r->{headers} } ], [], 'monitor.conf: no header tells');
    $t->stop;
    like($t->read_file('logs/interop.log'), qr/would=placeholder reason=rich_text_unsupported/, 'monitor.conf: the log does');
}

sub routing_conf {
    my ($t, @ports) = @_;
    my %up = map { $_ => $t->upstream($_) } qw(carrier gateway);
    my %sent = (tom => 'carrier', sue => 'gateway');
    for my $who (sort keys %sent) {
        $_->reset for values %up;
        my $r = $t->request(POST => "/v1.0/chats/$who/messages", body => '{"body":{"contentType":"text","content":"Gate 3"}}',
            port => $ports[0], mode => '', headers => { 'Content-Type' => 'application/json', 'X-User' => 'tea' });
        is($r->{status}, 200, "routing.conf: $who is reached") or diag($r->{body});
        is(join(' ', map { $_->{uri} } @{ $up{ $sent{$who} }->requests }), "/v1.0/chats/$who/messages",
            "routing.conf: ... in the system that $who reads");
        is(scalar map({ @{ $_->requests } } values %up), 1, 'routing.conf: ... and nowhere else');
    }
}
