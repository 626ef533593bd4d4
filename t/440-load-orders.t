#!/usr/bin/perl
# The module beside lua-nginx-module (LuaJIT), njs and ModSecurity (which brings
# a Lua of its own), loaded in every order: all four do their work on one
# message, and nothing of one is taken for another's.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

InteropNginx->need;
plan skip_all => "$InteropNginx::CTL is not built" unless -x $InteropNginx::CTL;
my $dir = '/usr/lib/nginx/modules';
my %so = (ours => $InteropNginx::MODULE, lua => "$dir/ngx_http_lua_module.so",
          js => "$dir/ngx_http_js_module.so", modsecurity => "$dir/ngx_http_modsecurity_module.so");
for my $name (sort keys %so) { plan skip_all => "$so{$name} is not installed" unless -e $so{$name} }
plan skip_all => 'the sanitizers change the order of loading themselves' if $ENV{T_ASAN};
plan skip_all => "$InteropNginx::NGINX is not the one that these modules are for" if $ENV{T_NGINX};

my $tenant = '0a6d5f10-0000-4000-8000-0000000000f2';
my $facts = <<"F";
{"kind":"tenant","id":"$tenant","country":"KE","plan":"m365"}
{"kind":"user","id":"mira","tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true,"reads_on":"kaizala","aliases":["mira-oid"]}
{"kind":"user","id":"jonas","tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true,"reads_on":"teams","aliases":["jonas-oid"]}
{"kind":"conversation","id":"g9","aliases":["19:g9\@thread.v2"],"type":"one_on_one","participants":["mira","jonas"],"started":true,"tenant":"$tenant"}
F
my $gif = '{"body":{"contentType":"html","content":"<img src=\"../hostedContents/1/$value\">"},'
        . '"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":"R0lGODlh","contentType":"image/gif"}]}';

sub orders {
    my @rest = @_;
    return [] unless @rest;
    return map { my $first = $_; map { [ $first, @$_ ] } orders(grep { $_ ne $first } @rest) } @rest;
}

sub one_order {
    my (@order) = @_;
    my $t = InteropNginx->new;
    my ($status, $said) = $t->ctl('import', '--store', $t->dir . '/store', $t->write('facts.jsonl', $facts));
    is($status, 0, 'facts imported') or diag($said);
    $t->write('version.lua', 'return function(event) return set_header("X-Version", _VERSION .. " " .. 7 // 2) end');
    $t->write('echo.js', 'function echo(r) { r.return(200, "njs " + njs.version.length); } export default { echo };');
    my @load = map { $_ eq 'lua' ? ("load_module $dir/ndk_http_module.so;", "load_module $so{lua};") : "load_module $so{$_};" } @order;
    $t->conf(<<'C', no_module => 1, main => \@load);
http { %%HTTP%%
    lua_package_path "/usr/share/lua/5.1/?.lua;;";
    js_path %%DIR%%; js_import echo from echo.js;
    interop_script %%DIR%%/version.lua;
    interop_policy %%ROOT%%/conf.d; interop_store %%DIR%%/store; interop_zone main 1m;
    server { listen %%ADDR:web%%;
        modsecurity on;
        modsecurity_rules 'SecRuleEngine On
SecRule ARGS:bait "@streq yes" "id:1,phase:1,deny,status:418"';
        location = /lua { content_by_lua_block { ngx.say(_VERSION, " ", jit and "jit" or "plain") } }
        location = /js { js_content echo.echo; }
        location / { interop enforce; interop_api graph; interop_fact sender $http_x_sender;
            header_filter_by_lua_block { ngx.header["X-Lua"] = "seen" }
            proxy_pass http://%%UPSTREAM%%; } } }
C
    $t->start;
    like($t->request(GET => '/lua', port => 'web')->{body}, qr/^Lua 5\.1 jit$/, 'lua is LuaJIT');
    like($t->request(GET => '/js', port => 'web')->{body}, qr/^njs \d/, 'njs answers');
    is($t->request(GET => '/js?bait=yes', port => 'web')->{status}, 418, 'ModSecurity refuses');
    my $up = $t->upstream;
    $up->answers({ status => 201, json => '{"id":"1"}' });
    my $r = $t->request(POST => '/v1.0/chats/19:g9@thread.v2/messages', port => 'web', body => $gif,
                        headers => { 'content-type' => 'application/json', 'x-sender' => 'jonas-oid' });
    is($r->{status}, 201, 'a GIF is sent');
    like($r->{headers}{'interop-verdict'} // '', qr/^placeholder\b.*gif_unsupported/, 'as a placeholder');
    is($r->{headers}{'x-lua'}, 'seen', 'lua filters our answer');
    unlike($up->requests->[0]{body} // 'R0lGOD', qr/R0lGOD/, 'upstream never sees it');
    is($up->requests->[0]{headers}{'x-version'}, 'Lua 5.4 3', 'our scripts run in Lua 5.4');
    $t->stop;
    $t->finish if $t->can('finish');
}

# libmodsecurity brings liblua5.3 into the process; with it in front of LuaJIT the
# lua module does not start, whether ours is there or not. Such orders are told
# by trying them without ours.
my %stock;
sub starts_without_us {
    my @order = grep { $_ ne 'ours' } @_;
    return $stock{"@order"} //= do {
        my $t = InteropNginx->new;
        my @load = map { $_ eq 'lua' ? ("load_module $dir/ndk_http_module.so;", "load_module $so{lua};") : "load_module $so{$_};" } @order;
        $t->conf('http { %%HTTP%% lua_package_path "/usr/share/lua/5.1/?.lua;;";
            server { listen %%ADDR:web%%; location / { return 204; } } }', no_module => 1, main => \@load);
        my $up = eval { $t->start; 1 } ? 1 : 0;
        $t->stop if $up;
        $t->clean;
        $up;
    };
}

for my $order (orders(sort keys %so)) {
    SKIP: {
        skip "@$order: nginx does not start with these even without our module", 1 unless starts_without_us(@$order);
        subtest "@$order" => sub { one_order(@$order) };
    }
}
done_testing;
