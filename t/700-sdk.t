#!/usr/bin/perl
# Real clients through the edge over TLS: the public SDKs of three services, each
# with every method it has for chats and calls, against upstreams that answer in
# the documented formats. What the SDKs are, t/sdk/package.json says; `make deps`
# installs them below build/ where node and npm are present.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

InteropNginx->need('node', 'openssl');
my $sdk = "$InteropNginx::ROOT/t/sdk";
my $modules = ($ENV{T_SDK} || "$InteropNginx::ROOT/build/sdk") . '/node_modules';
plan skip_all => "the SDKs are not installed in build/sdk: make deps installs them with npm" unless -d $modules;

my $t = InteropNginx->new;
my $dir = $t->dir;
my ($status, $said) = $t->run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
die $said if $status;

my ($tenant, $bare) = map { "3f1c0000-0000-4000-8000-00000000a0$_" } qw(01 ff);
my $resource = '11111111-1111-4111-8111-111111111111';
my $acs = sub { sprintf '8:acs:%s_%08x-aaaa-bbbb-cccc-0123456789ab', $resource, $_[0] };
my $teams = sub { sprintf 'a7d10000-0000-4000-8000-0000000%05x', $_[0] };
my $person = sub {
    my ($id, $tenant, $system, $name, @aliases) = @_;
    return sprintf '{"kind":"user","id":"%s","tenant":"%s","systems":["%s"],"mode":"TeamsOnly","display_name":"%s","aliases":[%s]}',
        $id, $tenant, $system, $name, join ',', map { qq("$_") } @aliases;
};
my $conversation = sub {
    my ($id, $tenant, @people) = @_;
    return sprintf '{"kind":"conversation","id":"%s","type":"group","participants":[%s],"initiated_by":"acs","started":true,"tenant":"%s"}',
        $id, (join ',', map { qq("$_") } @people), $tenant;
};
my @facts = (
    qq({"kind":"tenant","id":"$tenant","toggles":{"EnableAcsUsers":"on","acs.preview":"on","privacy.notice_ack":"on"},"acs_resources":["$resource"]}),
    qq({"kind":"tenant","id":"$bare"}),
    $person->('customer', $tenant, 'acs', 'Customer', $acs->(10)),
    $person->('agent', $tenant, 'acs', 'Claims agent', $acs->(11)),
    $person->('lead', $tenant, 'acs', 'Claims lead', $acs->(12)),
    $person->('asha', $tenant, 'teams', 'Asha Rao', $teams->(0xb002), '8:orgid:' . $teams->(0xb002), '29:asha'),
    $person->('bela', $tenant, 'teams', 'Bela Kovacs', $teams->(0xb003), '8:orgid:' . $teams->(0xb003), '29:bela'),
    $person->('bot', $tenant, 'teams', 'OpsBot', '28:bot'),
    $person->('stranger', $bare, 'acs', 'Stranger', $acs->(15)),
    $person->('ziya', $bare, 'teams', 'Ziya', $teams->(0xb0ff), '8:orgid:' . $teams->(0xb0ff), '29:ziya'),
    $conversation->('19:ab12cd34ef56ab78cd90@thread.v2', $tenant, 'customer', 'asha'),
    $conversation->('19:de12cd34ef56ab78cd90@thread.v2', $tenant, 'customer', 'asha'),
    $conversation->('19:c0ffee@thread.tacv2', $tenant, 'asha', 'bela'),
    $conversation->('19:ff12cd34ef56ab78cd90@thread.v2', $bare, 'stranger', 'ziya'),
);
($status, $said) = $t->ctl('import', '--store', "$dir/store", $t->write('facts.jsonl', join "\n", @facts, ''));
die $said if $status;

# who a token stands for: what auth_jwt or an introspecting proxy would say
my $server = sub {
    my ($api) = @_;
    return <<"END";
    server {
        listen %%ADDR:$api%% ssl http2;
        interop_api $api;
        location / { proxy_pass http://%%ADDR:up_$api%%; }
    }
END
};
my @sdks = (
    [acs_chat     => 'acs-chat',     '@azure/communication-chat'],
    [acs_calling  => 'acs-calling',  '@azure/communication-call-automation'],
    [graph        => 'graph',        '@microsoft/microsoft-graph-client'],
    [botframework => 'botframework', 'botframework-connector'],
);
$t->conf(<<"END" . join('', map { $server->($_->[0]) } @sdks) . "}\n");
http {
    %%HTTP%%
    map \$http_authorization \$who {
        default          customer;
        ~\\.c3RyYW5nZXI\$  stranger;
        ~\\.YXNoYQ\$      asha;
        ~\\.eml5YQ\$      ziya;
        ~\\.Ym90\$        bot;
    }
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    interop_policy %%ROOT%%/conf.d;
    interop_store %%DIR%%/store size=16m;
    interop_fact sender \$who;
    interop enforce;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
END
$t->start;

$ENV{NODE_EXTRA_CA_CERTS} = "$dir/cert.pem";
symlink $modules, "$dir/node_modules" or die "$dir/node_modules: $!\n";
copy($_, $dir) or die "$_: $!\n" for glob "$sdk/*.mjs";
for my $sdk_test (@sdks) {
    my ($api, $file, $name) = @$sdk_test;
    $ENV{EDGE} = 'https://localhost:' . $t->port($api);
    $ENV{UPSTREAM} = $t->port("up_$api");
    my ($rc, $out) = $t->run('node', "$dir/$file.mjs", { timeout => 120 });
    subtest $name => sub {
        for my $line (split /\n/, $out) {
            if ($line =~ /^(not )?ok \d+ - (.*?)(?: # SKIP (.*))?$/) {
                my ($bad, $what, $skip) = ($1, $2, $3);
                SKIP: { if (defined $skip) { skip "$what: $skip", 1 } ok(!$bad, $what) }
            } elsif ($line !~ /^1\.\.\d+$/) { diag($line) }
        }
        is($rc, 0, 'the client ended as it should') or diag($out);
        like($out, qr/^1\.\.[1-9]/m, 'it came to its plan');
        done_testing;
    };
}
$t->done_testing;
