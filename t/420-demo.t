#!/usr/bin/perl
# `make demo` says what README.md promises: its requests get these verdicts, in
# this order, and it ends by itself with ONCE=1, leaving nothing.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropNginx;

InteropNginx->need;
plan skip_all => "$InteropNginx::CTL is not built" unless -x $InteropNginx::CTL;

my $t = InteropNginx->new;
local $ENV{ONCE} = 1;
local $ENV{DEMO_PORT} = $t->port('demo');
my ($status, $out) = $t->run("$InteropNginx::ROOT/t/demo", { timeout => 120 });
is($status, 0, 'ends well') or diag($out);
is_deeply([ $out =~ /^  verdict   (\w+)/mg ],
    [qw(deny deliver deliver placeholder placeholder placeholder as_reply deny deliver)], 'the verdicts') or diag($out);
is_deeply([ $out =~ /\breason="?([\w:.]+)/g ],
    [qw(must_start_in_kaizala action_card_unsupported gif_unsupported rich_text_unsupported geo_not_live)], 'and why')
    if $out =~ /reason=/;
like($out, qr/interopctl tenant set .*toggles\.interop\.kaizala_teams=on/, 'a toggle was flipped');
$t->done_testing;
