#!/usr/bin/perl
# The zone's cells after every kind of death: t/nginx/cells.c, compiled with the
# configured nginx tree that the module was built in, under the sanitizers.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

my $tree = "$InteropNginx::BUILD/nginx";
plan skip_all => 'no configured nginx tree: make module' unless -e "$tree/objs/ngx_auto_config.h";
my $dir = File::Temp::tempdir(CLEANUP => 1);
my @include = map { "-I$tree/$_" } qw(src/core src/event src/event/modules src/event/quic src/os/unix objs src/http
    src/http/modules src/http/v2 src/http/v3);
my $out = `gcc -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined @include -o $dir/cells $InteropNginx::ROOT/t/nginx/cells.c 2>&1`;
is($? >> 8, 0, 'compiled') or diag($out);
SKIP: {
    skip 'not compiled', 1 unless -x "$dir/cells";
    $out = `$dir/cells 2>&1`;
    like($out, qr/^[1-9]\d+ records written, [1-9]\d+ deaths survived$/, 'every record whole, no cell lost') or diag($out);
}
done_testing();
