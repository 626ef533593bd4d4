#!/usr/bin/perl
# The module is made by nginx's own build, as the README says: a plain
# ./configure --with-compat --add-dynamic-module in a tree of nginx's sources.
# What comes out is loaded by the packaged nginx, and knows the policy pack.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

InteropNginx->need;
plan skip_all => 'the library is built with sanitizers' if $ENV{T_ASAN};
my $source = $ENV{T_NGINX} ? dirname($ENV{T_NGINX}) . '/../share/nginx/src' : '/usr/share/nginx/src';
plan skip_all => "$source is not there: install nginx-dev" unless -x "$source/configure";

my $t = InteropNginx->new;
my $tree = $t->dir . '/nginx';
my $said = $t->dir . '/said';
my ($command) = $t->read_file("$InteropNginx::ROOT/README.md") =~ m{^(\./configure .*\n.*)$}m;
like($command // '', qr/--add-dynamic-module=/, 'the README says how');
$command =~ s{=/path/to/ngx_interop}{=$InteropNginx::ROOT --with-cc-opt=-O0};

local $ENV{INTEROP_BUILD} = $InteropNginx::BUILD;
my ($status) = $t->run('sh', '-ec', "cp -r '$source' '$tree'; cd '$tree'; exec >'$said' 2>&1\n$command", { timeout => 300 });
is($status, 0, 'its commands end well') or diag(substr $t->read_file($said), -3000);
ok(-e "$tree/objs/ngx_http_interop_module.so", 'there is a module');
$t->conf("http { %%HTTP%% interop_policy %%ROOT%%/conf.d; server { listen %%ADDR:web%%; location / { interop_api graph; } } }",
    no_module => 1, main => ["load_module $tree/objs/ngx_http_interop_module.so;"]);
($status, my $out) = $t->check_conf;
is($status, 0, 'which the packaged nginx loads') or diag($out);
$t->finish;
done_testing();
