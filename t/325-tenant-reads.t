#!/usr/bin/perl
# A single tenant's matrices, on what is read: a message is reduced for its reader
# as it would have been when its author sent it, by the rows of the author's
# tenant too; gates are not asked, of a tenant's policy either.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($CTL run spew copy_policy edit);
use InteropJSON qw(encode);

plan skip_all => "$CTL is not built" unless -x $CTL;

my ($one, $two) = ('7c1e5a00-0000-4000-8000-00000000b001', '7c1e5a00-0000-4000-8000-00000000b002');
my $chat = '19:0b7d11@thread.v2';

sub user {
    my ($id, $tenant, $system, $n) = @_;
    my $alias = "2e000000-0000-4000-8000-00000000b10$n";
    return { id => $id, tenant => $tenant, systems => ['teams', 'kaizala'], reads_on => $system, linked_account => 1 == 1,
        mode => 'TeamsOnly', display_name => ucfirst $id, aliases => [ $alias, "8:orgid:$alias" ] };
}

sub truth { my ($v) = @_; $v =~ s/"(linked_account|started)":(?:"1"|1)/"$1":true/g; return $v }

my $given = truth(encode({
    now => '2025-10-09T08:00:00Z',
    tenants => [ map { { id => $_, country => 'IN', residency => 'IN' } } $one, $two ],
    users => [ user(lina => $one, 'teams', 1), user(kiran => $one, 'kaizala', 2), user(amit => $two, 'kaizala', 3) ],
    conversations => [ { id => $chat, type => 'group', participants => [qw(lina kiran amit)], started => 1, tenant => $one } ],
}));

sub message {
    my ($id, $author, $text, %o) = @_;
    my %from = $author eq 'nobody' ? () : (from => { user => { id => "2e000000-0000-4000-8000-00000000b10$author" } });
    return { id => "$id", createdDateTime => '2025-10-09T07:00:00Z', %from, body => { contentType => $o{type} || 'text', content => $text } };
}

# what lina sees of these messages: the verdict, and the content of each
sub sees {
    my ($policy, $want, $name, @messages) = @_;
    my ($verdict, @texts) = @$want;
    my $step = encode({ api => 'graph', sender => 'lina', request => { method => 'GET', uri => "/v1.0/chats/$chat/messages" },
        upstream_answers => [ { status => 200, json => { value => \@messages } } ],
        expect => { verdict => $verdict, response => { status => '#200', json_has =>
            { map { ("/value/$_/body/content" => $texts[$_]) } 0 .. $#texts } } } });
    $step =~ s/"#?(200)"/$1/g;
    spew('case.json', qq([{"id":"c","given":$given,"steps":[$step]}]));
    my ($code, $out, $err) = run('test', 'case.json', '--policy', $policy);
    is("$out$err", "1 passed, 0 failed\n", $name);
    return;
}

my @plain = (message(1, 2, 'of kiran'), message(2, 3, 'of amit'));
my $link = 'Unsupported message. Open it in Kaizala: ';
copy_policy('none');
sees('none', [ 'deliver', 'of kiran', 'of amit' ], 'without a policy of a tenant both are seen', @plain);

# the author's tenant counts, not the reader's
for my $t ([ $one, 'of amit', 1 ], [ $two, 'of kiran', 0 ]) {
    my ($tenant, $seen, $at) = @$t;
    copy_policy($tenant);
    spew("$tenant/policies/own.rules", qq(policy own for tenant "$tenant" between teams and kaizala {
    matrix kaizala -> teams {
        message.send  text  placeholder  attachment_unsupported  [OWN];
        *                   deliver;
    }
}
));
    my @want = ($seen, $seen);
    $want[1 - $at] = { contains => [$link] };
    sees($tenant, [ 'placeholder', @want ], "the rows of $tenant on what its people wrote", @plain);
    sees($tenant, [ 'placeholder', { contains => [$link] } ], 'of an author nobody knows the tenant is not known', message(3, 'nobody', 'of whom?'));
}

# a row of another direction, of another operation, with a guard that does not hold
for my $row ([ 'other direction', 'teams -> kaizala', 'message.send', '' ], [ 'other operation', 'kaizala -> teams', 'typing', '' ],
             [ 'guard', 'kaizala -> teams', 'message.send', 'when recipient.country == KE' ]) {
    my ($name, $direction, $op, $when) = @$row;
    (my $dir = $name) =~ s/ /-/;
    copy_policy($dir);
    spew("$dir/policies/own.rules", qq(policy own for tenant "$one" between teams and kaizala {
    matrix $direction { $op  *  drop  event_not_shown  $when [OWN];  *  deliver; }
}
));
    sees($dir, [ 'deliver', 'of kiran', 'of amit' ], "$name: nothing is taken from them", @plain);
}

# where the general matrix changes nothing, the answer is read for the tenant's alone
copy_policy('lenient');
edit('lenient/policies/teams-kaizala.rules', qr/matrix kaizala -> teams \{.*?\n    \}/s, 'matrix kaizala -> teams { * deliver; }');
spew('lenient/policies/own.rules', qq(policy own for tenant "$one" between teams and kaizala {
    matrix kaizala -> teams { message.send  text  plain_text  when sender.id == kiran [OWN-1];  message.send  text  drop  event_not_shown  [OWN-2];  * deliver; }
}
));
sees('lenient', [ 'deliver', 'of kiran', 'of amit' ], 'a row that changes nothing in this text', @plain);
edit('lenient/policies/own.rules', qr/ when sender.id == kiran/, ' when sender.id == lina');
sees('lenient', [ 'drop', 'of amit' ], 'a guard about the author', @plain);

# gates are not asked
copy_policy('gate');
spew('gate/policies/own.rules', qq(policy own for tenant "$one" between teams and kaizala {
    gate for message.send { deny interop_disabled  when kind == text  [OWN]; }
}
));
sees('gate', [ 'deliver', 'of kiran', 'of amit' ], 'a gate of the tenant is not asked', @plain);
sees('gate', [ 'deliver', 'of whom?' ], 'nor where the tenant is not known', message(3, 'nobody', 'of whom?'));

# a row that drops
copy_policy('drop');
spew('drop/policies/own.rules', qq(policy own for tenant "$one" between teams and kaizala {
    gate for message.send { deny interop_disabled  when kind == gif  [OWN-1]; }
    matrix kaizala -> teams { message.send  text  drop  event_not_shown  [OWN-2];  *  deliver; }
}
));
sees('drop', [ 'drop', 'of amit' ], 'what a row drops is not in the list', @plain);
done_testing();
