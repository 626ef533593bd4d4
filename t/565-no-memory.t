#!/usr/bin/perl
# A worker whose allocator refuses the 1st, 2nd, 3rd ... allocation of a request:
# the worker lives, the request is answered as it would be, or is failed; nothing
# goes upstream that was not judged, and the next request is as ever.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropEdge;

InteropNginx->need;
plan skip_all => 'the sanitizers bring an allocator of their own' if $ENV{T_ASAN};
plan skip_all => 'the Lua host is not built' unless -e dirname($InteropNginx::MODULE) . '/interop_lua.so';
plan skip_all => 'there is no compiler' unless -x '/usr/bin/gcc';

my $t = InteropEdge->start(start => 0, http => '', locations => '');
my $dir = $t->dir;
my $so = "$dir/nomem.so";
system('gcc', '-shared', '-fPIC', '-O1', '-o', $so, dirname(abs_path(__FILE__)) . '/lib/nomem.c') == 0 or die "nomem.c: $?\n";
my $control = $t->write('nomem', pack 'll', 0, 0);
$t->write('script.lua', <<'L');
return function(event, verdict)
  -- a pattern that is another one each time: it is compiled in the call
  local word = re.match(event.text, "^(\\w+)(?#" .. counter.incr("asked", 60) .. ")")
  if word == "deny" then return deny("because", json.encode({ text.words(event.text) })) end
  return set_header("X-Seen", event.sender.id), notice("use-teams")
end
L
$t->conf($t->front(locations => <<'L'), workers => 1);
    location /lua/ { rewrite ^/lua(/.*) $1 break; interop_script script.lua; proxy_pass http://%%UPSTREAM%%; }
L
{
    local $ENV{LD_PRELOAD} = $so;
    local $ENV{NOMEM} = $control;
    InteropNginx::start($t);
}
my ($worker) = $t->workers;

sub control {
    my ($left) = @_;
    open my $f, '+<:raw', $control or die "$control: $!";
    if (defined $left) { syswrite $f, pack 'll', $left, 0; return }
    sysread $f, my $now, 8;
    return unpack 'll', $now;
}

sub ask {
    my ($body) = @_;
    my $r = eval { $t->teams(POST => "/lua$MESSAGES", body => $body) };
    return $r && $r->{status} ? $r : { status => 0, headers => {}, body => '' };
}

my $deny = '{"body":{"contentType":"text","content":"deny this"}}';
my $go = '{"body":{"contentType":"html","content":"<p>See <b>gate</b> 3</p>"}}';
is(ask($deny)->{status}, 403, 'what the script denies');
is(ask($go)->{status}, 201, 'what it lets through');

my $large = '{"body":{"contentType":"html","content":"<p>See ' . ('<b>gate</b> 3, ' x 1500) . '</p>"}}';
for my $what ([ deny => $deny, 403 ], [ go => $go, 201 ], [ large => $large, 201 ]) {
    my ($name, $body, $status) = @$what;
    my ($refused, %seen, @bad) = (0);
    for (my $n = 1; $n < 2000; $n++) {
        my $before = @{ $t->upstream->requests };
        control($n);
        my $r = ask($body);
        my (undef, $hit) = control();
        control(0);
        last unless $hit;
        $refused++;
        $seen{ $r->{status} }++;
        my @sent = @{ $t->upstream->requests };
        splice @sent, 0, $before;
        push @bad, "$n: $r->{status}" unless grep { $r->{status} == $_ } 0, 500, 502, 503, $status;
        push @bad, "$n: sent upstream" if $name eq 'deny' && @sent;
        push @bad, "$n: not as it was judged" if grep { ($_->{headers}{'x-seen'} // '') ne 'jonas' || $_->{body} =~ /<b>/ } @sent;
        my $next = ask($body)->{status};
        push @bad, "$n: $next for the next" if $next != $status;
        last if @bad > 5;
    }
    is("@bad", '', "$name: $refused allocations refused, answered " . join ', ', map { "$_: $seen{$_}" } sort keys %seen);
    cmp_ok($refused, '>', 5, "$name: that is how many there are");
}
is(join(' ', $t->workers), $worker, 'the worker is the one of the beginning');

$t->allow(qr/Cannot allocate memory|script|memory|failed|no live upstreams/);
$t->done_testing;
