#!/usr/bin/perl
# Directives: each mistake is told by `nginx -t` in these very words, with the
# place; what is right is taken, inherited and overridden as nginx users expect.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need;
my $t = InteropNginx->new;
my $pack = $ENV{T_POLICY} // "$InteropNginx::ROOT/conf.d";
$t->allow(qr/\[emerg\]/);    # they are what is tested
my $dir = $t->dir;

# what nginx -t says to an http block, without time, pid and paths of this test
sub said {
    my ($http, $location) = @_;
    $t->conf("http { %%HTTP%%\n$http\nserver { listen %%ADDR:web%%; location / {\n" . ($location // '') . "\n} } }");
    my ($status, $out) = $t->check_conf;
    $out =~ s/^nginx: the configuration file .*\n|^nginx: configuration file .*\n//mg;
    $out =~ s/^\d{4}\/.*\n(?:  .*\n)*(?:in policy.*\n)?//mg;    # the same again, for the log
    $out =~ s/\Q$dir\E/DIR/g;
    $out =~ s/\Q$pack\E/PACK/g;
    $out =~ s/(nginx\.conf):\d+$/$1/mg;
    $out =~ s/\n\z//;
    return $status ? $out : "ok$out";
}

# a copy of the pack with something appended to a file; the line where it begins
sub pack_with {
    my ($more) = @_;
    system('rm', '-rf', "$dir/conf/pack") == 0 && system('cp', '-r', $pack, "$dir/conf/pack") == 0 or die;
    my $text = $t->read_file("$dir/conf/pack/vocabulary.rules") . $more;
    $t->write('conf/pack/vocabulary.rules', $text);
    my $before = substr $text, 0, index($text, $more) + 1;
    return 1 + ($before =~ tr/\n//);
}
my $policy = "interop_policy $pack;";
my $in = 'in DIR/nginx.conf';

is(said($policy), 'ok', 'a policy alone');
is(said('interop_policy nowhere.rules;'), "nginx: [emerg] DIR/nowhere.rules: No such file or directory\n"
    . "in policy \"nowhere.rules\" $in", 'policy: no such file');
is(said("$policy $policy"), "nginx: [emerg] \"interop_policy\" directive is duplicate $in", 'policy: twice');

my $lines = pack_with("\nplicy x between a and b {\n}\n");
is(said('interop_policy conf/pack;'), "nginx: [emerg] DIR/conf/pack/vocabulary.rules:$lines:1: unknown statement \"plicy\"\n"
    . "  plicy x between a and b {\n  ^~~~~\n  hint: did you mean \"policy\"?\nin policy \"conf/pack\" $in",
    'policy: the library says where and what');
$t->write('conf/damaged.image', "INTEROP1\1\0\0\0" . 'x' x 500);
like(said('interop_policy conf/damaged.image;'), qr/\Anginx: \[emerg\] .*damaged.*\n(?:  hint: .*\n)?in policy "conf\/damaged\.image" \Q$in\E\z/,
    'policy: a damaged image');
SKIP: {
    skip 'interopctl is not built', 2 unless -x $InteropNginx::CTL;
    my ($status, $out) = $t->ctl('compile', '-o', "$dir/conf/good.image", $pack);
    is($status, 0, 'an image is compiled') or diag($out);
    is(said('interop_policy conf/good.image; interop enforce; interop_api graph;'), 'ok', 'policy: an image');
}

is(said("$policy interop enforce; interop_api grap;"),
    "nginx: [emerg] policy \"PACK\" has no API \"grap\" $in", 'api: unknown');
is(said('interop enforce; interop_api graph;'), "nginx: [emerg] \"interop_api\" needs an \"interop_policy\" $in",
    'api: without a policy');
is(said("$policy interop_api graph; interop_api graph;"), "nginx: [emerg] \"interop_api\" directive is duplicate $in",
    'api: twice');
is(said("interop enforce; interop_api graph; $policy"), 'ok', 'api: the policy may come later');
is(said($policy, 'interop off; interop_api grap;'), 'ok', 'api: of no matter where interop is off');

is(said("$policy interop on;"), "nginx: [emerg] invalid value \"on\" $in", 'interop: no such mode');
is(said("$policy interop_leg both;"), "nginx: [emerg] invalid value \"both\" $in", 'leg: no such leg');
is(said("$policy interop_max_body many;"), "nginx: [emerg] \"interop_max_body\" directive invalid value $in",
    'max_body: no size');
is(said("$policy interop_fact sendr \$http_x;"), "nginx: [emerg] unknown fact \"sendr\", it can be one of: "
    . "sender, tenant, now, client.country, client.agent $in", 'fact: unknown, with the list');
is(said("$policy interop_fact sender \$nowhere;"), 'nginx: [emerg] unknown "nowhere" variable', 'fact: no such variable');
is(said("$policy interop_fact sender a; interop_fact sender b;"),
    "nginx: [emerg] \"interop_fact\" directive is duplicate $in", 'fact: bound twice');
is(said("$policy interop_resolve message /x;"),
    "nginx: [emerg] unknown fact set \"message\", it can be one of: tenant, user, conversation $in", 'resolve: no such set');
is(said("$policy interop_resolve user x;"), "nginx: [emerg] invalid URI \"x\" $in", 'resolve: no URI');
is(said("$policy interop_resolve user /x; interop_resolve user /y;"),
    "nginx: [emerg] \"interop_resolve\" directive is duplicate $in", 'resolve: twice');

is(said("$policy interop_zone z 1k;"), "nginx: [emerg] zone \"z\" is too small $in", 'zone: too small');
is(said("$policy interop_zone z much;"), "nginx: [emerg] invalid zone size \"much\" $in", 'zone: no size');
is(said("$policy interop_zone z 1m; interop_zone y 1m;"), "nginx: [emerg] \"interop_zone\" directive is duplicate $in",
    'zone: twice');
is(said("$policy interop_zone z 64k;"), 'ok', 'zone: a small one');
is(said("$policy interop_store store size=0;"), "nginx: [emerg] invalid store size \"size=0\" $in", 'store: no size');
is(said("$policy interop_store store length=1m;"), "nginx: [emerg] invalid parameter \"length=1m\" $in",
    'store: no such parameter');
is(said("$policy interop_store a; interop_store b;"), "nginx: [emerg] \"interop_store\" directive is duplicate $in",
    'store: twice');
is(said("$policy interop_store new-store size=1g;"), 'ok', 'store: 1g');
ok(!-e "$dir/new-store", 'nginx -t makes no store');
is(said("$policy", 'interop_status off;'),
    "nginx: [emerg] invalid number of arguments in \"interop_status\" directive $in", 'status: takes nothing');
is(said('', 'interop_policy x;'), "nginx: [emerg] \"interop_policy\" directive is not allowed here $in",
    'policy: one for all of http');
my $audit = "$policy interop enforce; interop_api graph;";
is(said("$audit interop_audit_log logs/a;"), 'ok', 'audit_log: a file');
is(said("$audit interop_audit_log logs/a buffer=8k flush=5s if=\$interop_reason;", 'interop_audit_log off;'), 'ok', 'audit_log: all of it');
is(said("$audit interop_audit_log logs/a;", 'interop_audit_log logs/a;'), 'ok', 'audit_log: one file for two');
is(said("$audit interop_audit_log logs/\$uri;"), "nginx: [emerg] the path \"logs/\$uri\" may have no variables $in", 'audit_log: a variable');
is(said("$audit interop_audit_log off buffer=8k;"), "nginx: [emerg] invalid parameter \"buffer=8k\" $in", 'audit_log: off is off');
is(said("$audit interop_audit_log logs/a buffer=1;"), "nginx: [emerg] invalid parameter \"buffer=1\" $in", 'audit_log: a buffer for no line');
is(said("$audit interop_audit_log logs/a flush=soon;"), "nginx: [emerg] invalid parameter \"flush=soon\" $in", 'audit_log: no time');
is(said("$audit interop_audit_log logs/a gzip;"), "nginx: [emerg] invalid parameter \"gzip\" $in", 'audit_log: no such parameter');
is(said("$audit interop_audit_log logs/a; interop_audit_log off;"), "nginx: [emerg] \"interop_audit_log\" directive is duplicate $in", 'audit_log: twice');
is(said("$audit interop_audit_log logs/a;", 'interop_audit_log logs/a buffer=8k;'),
    "nginx: [emerg] the log \"logs/a\" is open with other parameters $in", 'audit_log: two buffers for one file');
is(said("$audit access_log logs/a combined buffer=8k; interop_audit_log logs/a;"),
    "nginx: [emerg] the log \"logs/a\" is open with other parameters $in", "audit_log: not the access log's");
is(said("$audit interop_audit_log nowhere/a;"),
    'nginx: [emerg] open() "DIR/nowhere/a" failed (2: No such file or directory)', 'audit_log: no such directory');

$t->finish;

# inheritance: what is set deeper holds, what is not is inherited
{
    my $t = InteropEdge->start(edition => '2019-04', http => 'interop_max_body 20k;',
        locations => <<'END');
    location /v1.0/a/ { rewrite ^/v1.0/a(/.*)$ /v1.0$1 break; interop_max_body 5k; proxy_pass http://%%UPSTREAM%%; }
    location /v1.0/b/ { rewrite ^/v1.0/b(/.*)$ /v1.0$1 break; interop_fact sender mira; proxy_pass http://%%UPSTREAM%%; }
    location /v1.0/c/ { rewrite ^/v1.0/c(/.*)$ /v1.0$1 break; interop_api kaizala; proxy_pass http://%%UPSTREAM%%; }
    location /v1.0/d/ { rewrite ^/v1.0/d(/.*)$ /v1.0$1 break; proxy_pass http://%%UPSTREAM%%;
        location ~ /deep { interop off; proxy_pass http://%%UPSTREAM%%; } }
    location /v1.0/e/ { interop_fact now $http_x_now; interop_fact client.country $http_x_country;
        interop_fact client.agent $http_x_agent; interop_fact tenant $http_x_tenant;
        rewrite ^/v1.0/e(/.*)$ /v1.0$1 break; proxy_pass http://%%UPSTREAM%%; }
END
    $t->allow(qr/client intended to send too large/);
    my $at = sub { my ($x) = @_; $MESSAGES =~ s/v1.0/v1.0\/$x/r };
    my ($body) = bold(6000);
    is($t->teams(POST => $MESSAGES, body => $body)->{status}, 201, 'the limit of http');
    is($t->teams(POST => $at->('a'), body => $body)->{status}, 413, 'the limit of the location');
    my $ours = $t->teams(POST => $MESSAGES, body => $TEXT)->{headers}{'interop-verdict'};
    my $r = $t->teams(POST => $at->('b'), body => $TEXT);
    isnt($r->{headers}{'interop-verdict'}, $ours, 'another sender in the location');
    $r = $t->teams(POST => $at->('c'), body => $TEXT);
    is($r->{headers}{'interop-verdict'}, undef, 'another API in the location: this path means nothing there');
    is(InteropEdge::verdict($t->teams(POST => $at->('d'), body => $body)), 'plain_text', 'all inherited');
    is($t->teams(POST => $at->('d') . '/deep', body => $body)->{headers}{'interop-verdict'}, undef, 'off in a nested one');

    for my $now ('2019-01-15T10:00:00Z', '1547546400', '1547546400.123', '') {
        is($t->teams(POST => $at->('e'), body => $TEXT, headers => { 'X-Now' => $now })->{status}, 201, "now is \"$now\"");
    }
    for my $now ('yesterday', '2019-13-01T00:00:00Z', '2019-01-15T10:00:00+01:00', '2019-01-15') {
        is($t->teams(POST => $at->('e'), body => $TEXT, headers => { 'X-Now' => $now })->{status}, 500,
            "now is \"$now\": no time, and no guess");
    }
    like($t->error_log, qr/interop_fact now is no time: "yesterday"/, 'and is told');
    $t->finish;
}
done_testing();
