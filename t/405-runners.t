#!/usr/bin/perl
# The two runners of behaviour cases, `interopctl test` and `t/edge-cases`, come
# to the same outcome of files that were written elsewhere: by relative and
# absolute names, several, none in them, with members that nobody knows, facts
# that are not given, and members that are wrong. The last line counts.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path getcwd);
use File::Basename qw(dirname);
use File::Temp ();
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropJSON qw(decode encode);
use InteropNginx;

InteropNginx->need;
my $root = $InteropNginx::ROOT;
my $dir = File::Temp->newdir('interop-runners-XXXXXX', TMPDIR => 1);
my $home = getcwd;

my %runner = (
    engine => [ $InteropNginx::CTL, 'test', '--policy', "$root/conf.d" ],
    nginx => [ "$root/t/edge-cases", '--jobs', $ENV{T_ASAN} ? 1 : 2 ],
);

# exit status, last line, the cases that failed and what was said, each run from below $dir
sub outcome {
    my ($runner, @args) = @_;
    my $pid = open my $out, '-|';
    if (!$pid) {
        chdir "$dir/below" and open(STDERR, '>&', \*STDOUT) and exec @{ $runner{$runner} }, @args;
        exit 99;
    }
    my @lines = <$out>;
    close $out;
    chomp(my $last = $lines[-1] // '');
    my @failed = map { /^not ok (\S+)/ || /^(\w\S*?)(?: step \d+)?: (?!skipped)/ ? $1 : () } @lines[0 .. $#lines - 1];
    my %once;
    return ($? >> 8, $last, join(' ', sort grep { !$once{$_}++ } @failed), join '', @lines);
}

my $tenant = '0a6d5f10-0000-4000-8000-0000000000f1';
my $plain = encode({
    given => { now => '2019-02-04T09:30:00Z',
        tenants => [ { id => $tenant, country => 'KE', residency => 'EMEA', plan => 'm365' } ],
        users => [ map { { id => $_->[0], tenant => $tenant, systems => [qw(kaizala teams)], linked_account => decode('true'),
            reads_on => $_->[1], aliases => [ $_->[2] ] } } [qw(mira kaizala +254700000001)], [qw(jonas teams +254700000002)] ],
        conversations => [ { id => 'g7', type => 'one_on_one', participants => [qw(mira jonas)], started => decode('true'),
            aliases => ['19:mj@unq.gbl.spaces'] } ] },
    steps => [ { api => 'kaizala', sender => 'mira', request => { method => 'POST', uri => '/v1/groups/g7/messages',
            headers => { 'content-type' => 'application/json' }, json => { message => 'Gate 3' } },
        upstream_answers => [ { status => 200, json => { referenceId => 'm-2' } } ],
        expect => { verdict => 'deliver', upstream => [ { same_bytes => decode('true') } ], response => { status => 200 } } } ],
});
# an edit by Jonas of a message that is given
my $edit = encode({ api => 'graph', sender => 'jonas', request => { method => 'PATCH', uri => '/v1.0/chats/19:mj@unq.gbl.spaces/messages/m-1',
    headers => { 'content-type' => 'application/json' }, json => { body => { content => 'Gate 4' } } } });

# what is decoded would be encoded as it was spelt
sub copy {
    my ($v) = @_;
    return [ map { copy($_) } @$v ] if ref $v eq 'ARRAY';
    return ref $v eq 'HASH' ? { map { $_ => copy($v->{$_}) } keys %$v } : $v;
}

my (@cases, @fail);
sub add {
    my ($id, $change, $fails) = @_;
    my $case = copy(decode($plain));
    $case->{id} = $id;
    local $_ = $case->{steps}[0];
    $change->($case, $case->{given}, $_->{expect});
    push @cases, $case;
    push @fail, $id if $fails;
}
sub message {
    my ($id, $verdict, $member, @more) = @_;
    add($id, sub {
        my ($case, $given) = @_;
        my %m = (id => 'm-1', conversation => 'g7', author => 'jonas', delivered_as => 'text', %$member);
        $given->{messages} = [ { map { defined $m{$_} ? ($_ => $m{$_}) : () } keys %m } ];
        $case->{steps} = [ { %{ decode($edit) }, @more, expect => { verdict => $verdict } } ];
    });
}
add('plain', sub { });
add('unknown-members', sub { my ($c, $g, $e) = @_;
    $_->{remark} = 'x' for $c, $g, $e, $c->{steps}[0], $e->{response}, $e->{upstream}[0], $g->{users}[0], $c->{steps}[0]{request} });
add('no-expect', sub { delete $_->{expect} });
add('nothing-given', sub { my ($c, $g, $e) = @_; delete $c->{given}; $_->{expect} = { verdict => 'deny' } });
add('no-sender', sub { delete $_->{sender}; $_->{expect} = { verdict => 'deny' } });
add('sender-by-alias', sub { $_->{sender} = '+254700000001' });
add('no-now', sub { delete $_[1]{now} });
add('now-with-offset', sub { $_[1]{now} = '2019-02-04T12:30:00+03:00' });
add('now-is-a-date', sub { $_[1]{now} = '2019-02-04' });
add('now-in-seconds', sub { $_[1]{now} = decode('1549272600') });
add('now-is-nothing', sub { $_[1]{now} = 'yesterday' }, 1);
add('a-system-more', sub { push @{ $_[1]{users}[0]{systems} }, 'pager' });
add('twice-given', sub { unshift @{ $_[1]{users} }, { id => 'mira', tenant => 'elsewhere' } });
add('id-is-missing', sub { push @{ $_[1]{users} }, { tenant => $tenant } }, 1);
add('id-is-a-number', sub { $_[1]{conversations}[0]{id} = decode('7') }, 1);
add('no-steps', sub { delete $_[0]{steps} }, 1);
add('no-request', sub { delete $_->{request} }, 1);
add('no-uri', sub { delete $_->{request}{uri} }, 1);
add('no-such-leg', sub { $_->{leg} = 'both' }, 1);
add('length', sub { $_[2]{upstream}[0]{headers} = { 'content-length' => '20' } });
add('base64', sub { delete $_->{request}{json}; $_->{request}{base64} = 'eyJtZXNzYWdlIjogIkdhdGUgMyJ9' });
add('text', sub { delete $_->{request}{json}; $_->{request}{text} = '{"message": "Gate", "n": 1e400}' });
add('wrong-verdict', sub { $_[2]{verdict} = 'drop' }, 1);
add('wrong-upstream', sub { $_[2]{upstream} = [] }, 1);
add('wrong-status', sub { $_[2]{response}{status} = decode('403') }, 1);
message('told', 'as_reply', {});
message('told-unsupported', 'placeholder', { delivered_as => 'unsupported' });
message('told-by-alias', 'as_reply', { conversation => '19:mj@unq.gbl.spaces' });
message('told-of-another', 'deny', { author => 'mira' });
message('told-of-a-stranger', 'deny', { author => 'zoe' });
message('told-without-author', 'as_reply', { author => undef });
message('told-elsewhere', 'placeholder', { conversation => 'g8' });
message('told-nowhere', 'placeholder', { conversation => undef });
message('told-but-not-how', 'as_reply', { delivered_as => undef }, upstream_answers => [
    { status => decode('200'), json => { id => 'm-1', body => { contentType => 'text', content => 'Gate 3' },
        from => { user => { id => 'jonas' } } } } ]);

mkdir "$dir/below" or die;
sub spew { open my $f, '>:raw', "$dir/$_[0]" or die $!; print {$f} $_[1]; close $f }
spew('odd.json', encode(\@cases));
spew('good.json', encode([ $cases[0] ]));
spew('below/here.json', encode([ { %{ $cases[0] }, id => 'here' } ]));
spew('none.json', '[]');
spew('broken.json', "[\n");
spew('object.json', '{}');

my $failed = join ' ', sort @fail;
my $summary = (@cases - @fail) . ' passed, ' . @fail . ' failed';
for my $runner (sort keys %runner) {
    my ($status, $last, $which, $all) = outcome($runner, '../odd.json');
    is($which, $failed, "$runner: these fail, and no others") or diag($all);
    is($last, $summary, "$runner: and are counted");
    is($status, 1, "$runner: exit 1");
    unlike($all, qr/uninitialized|HASH\(|ARRAY\(| at \S+ line \d+/, "$runner: nothing of its own");
    is(join(' ', (outcome($runner, '../good.json', "$dir/below/here.json", 'here.json'))[0, 1]), '0 3 passed, 0 failed',
        "$runner: several files, by any name");
    is(join(' ', (outcome($runner, '../none.json'))[0, 1]), '0 0 passed, 0 failed', "$runner: an empty list");
    is((outcome($runner, '../broken.json'))[0], 2, "$runner: no JSON");
    is(join(' ', (outcome($runner, '../object.json'))[0, 3]) =~ s/^2 [\w-]+: /2 /r, "2 ../object.json: not an array of cases\n", "$runner: no list");
    is(join(' ', (outcome($runner, 'nowhere.json'))[0, 3]) =~ s/^2 [\w-]+: /2 /r, "2 nowhere.json: No such file or directory\n", "$runner: no file");
    is((outcome($runner, '--only', 'nobody', '../good.json'))[0], 2, "$runner: no such case");
}
is(getcwd, $home, 'left where it began');
done_testing();
