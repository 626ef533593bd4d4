#!/usr/bin/perl
# interopctl diff and matrix where decisions are lists of rules: cells that outgrew
# their diagrams, and rules of single tenants. Told exactly, in few rows.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($CTL $DIR run spew copy_policy);

plan skip_all => "$CTL is not built" unless -x $CTL;

# conjunctions that have nothing to do with one another, and a rule that asks half of all first
my $n = 20;
my $facts = 'record conversation { ' . join(' ', map { "x$_ flag;" } 0 .. 2 * $n) . " }\n";
my @reasons = qw(gif_unsupported attachment_unsupported scope_not_supported);
my @denials = ('        deny geo_residency  when ' . join(' and ', map { "conversation.x$_" } 0 .. $n - 1) . ";\n",
    map { "        deny $reasons[$_ % 3]  when conversation.x$_ and conversation.x" . ($n + $_) . ";\n" } 0 .. $n - 1);
my $rows = <<'END';
        message.send  gif    drop  event_not_shown  when conversation.x3;
        message.send  gif    placeholder  gif_unsupported;
        message.send  text   deliver;
        message.send  *      plain_text;
        *                    drop  event_not_shown;
END

sub policy {
    my ($name, %o) = @_;
    copy_policy($name);
    unlink glob "$DIR/$name/policies/*.rules";
    my $denials = join '', @{ $o{denials} // \@denials };
    spew("$name/policies/large.rules", $facts . "policy large between teams and kaizala {\n    gate for message.send {\n$denials    }\n"
        . '    matrix teams -> kaizala {' . "\n" . ($o{rows} // $rows) . "    }\n    matrix kaizala -> teams { * deliver; }\n}\n" . ($o{more} // ''));
    return $name;
}

sub told {
    my ($old, $new, $want, $name) = @_;
    my ($code, $out, $err) = run('diff', $old, $new);
    is($out, $want, $name);
    is($code, $want =~ /^no difference/ ? 0 : 1, "$name: exit");
    is(join('', grep { !/never used|too large for a diagram|^  / } split /^/, $err), '', "$name: nothing else is said");
    return;
}

policy('old');
my (undef, undef, $warned) = run('check', 'old');
like($warned, qr/the decision for message\.send \w+ from teams is too large for a diagram/, 'its cells are lists');
told('old', 'old', "no difference\n", 'a policy and itself');

# ---------------------------------------------------------------- a rule less

policy('less', denials => [ grep { !/x27;/ } @denials ]);
told('old', 'less', <<'END', 'a denial less: only where nothing else denies for it');
teams -> kaizala  message.send
    deny attachment_unsupported  ->  deliver | deny gif_unsupported | drop event_not_shown | placeholder gif_unsupported | plain_text | deny undetermined
      only when conversation.x27 = true and conversation.x7 = true
      on 64 conditions (--all)
teams -> kaizala  message.send: text
    deny undetermined  ->  deliver
      only when conversation.x27 = true or unknown and conversation.x7 = true or unknown
      on conditions too many to be told
teams -> kaizala  message.send: rich_text, image, attachment, action_card, other
    deny undetermined  ->  plain_text
      only when conversation.x27 = true or unknown and conversation.x7 = true or unknown
      on conditions too many to be told
teams -> kaizala  message.send: gif
    deny undetermined  ->  drop event_not_shown | placeholder gif_unsupported
      only when conversation.x3 = false or true and conversation.x27 = true or unknown and conversation.x7 = true or unknown
      on conditions too many to be told
kaizala -> teams  message.send
    deny attachment_unsupported  ->  deliver | deny gif_unsupported | deny undetermined
      only when conversation.x27 = true and conversation.x7 = true
      on 64 conditions (--all)
kaizala -> teams  message.send
    deny undetermined  ->  deliver
      only when conversation.x27 = true or unknown and conversation.x7 = true or unknown
      on conditions too many to be told
END
told('less', 'old', <<'END', 'a denial more');
teams -> kaizala  message.send
    deliver | deny gif_unsupported | drop event_not_shown | placeholder gif_unsupported | plain_text | deny undetermined  ->  deny attachment_unsupported
      only when conversation.x7 = true and conversation.x27 = true
      on 64 conditions (--all)
teams -> kaizala  message.send: text
    deliver  ->  deny undetermined
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown
      on 56 conditions (--all)
teams -> kaizala  message.send: rich_text, image, attachment, action_card, other
    plain_text  ->  deny undetermined
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown
      on 56 conditions (--all)
teams -> kaizala  message.send: gif
    drop event_not_shown | placeholder gif_unsupported  ->  deny undetermined
      only when conversation.x3 = false or true and conversation.x7 = true or unknown and conversation.x27 = true or unknown
      on conditions too many to be told
kaizala -> teams  message.send
    deliver | deny gif_unsupported | deny undetermined  ->  deny attachment_unsupported
      only when conversation.x7 = true and conversation.x27 = true
      on 64 conditions (--all)
kaizala -> teams  message.send
    deliver  ->  deny undetermined
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown
      on 56 conditions (--all)
END

# ---------------------------------------------------------------- another guard

policy('guard', denials => [ map { s/conversation\.x27;/conversation.x27 and recipient.country == KE;/r } @denials ]);
told('old', 'guard', <<'END', 'a guard that asks more');
teams -> kaizala  message.send
    deny attachment_unsupported  ->  deliver | deny gif_unsupported | drop event_not_shown | placeholder gif_unsupported | plain_text | deny undetermined
      only when conversation.x7 = true and conversation.x27 = true and recipient.country is not KE or unknown
      on 64 conditions (--all)
teams -> kaizala  message.send: text
    deny undetermined  ->  deliver
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown and recipient.country is not KE
      on conditions too many to be told
teams -> kaizala  message.send: rich_text, image, attachment, action_card, other
    deny undetermined  ->  plain_text
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown and recipient.country is not KE
      on conditions too many to be told
teams -> kaizala  message.send: gif
    deny undetermined  ->  drop event_not_shown | placeholder gif_unsupported
      only when conversation.x3 = false or true and conversation.x7 = true or unknown and conversation.x27 = true or unknown and recipient.country is not KE
      on conditions too many to be told
kaizala -> teams  message.send
    deny attachment_unsupported  ->  deliver | deny gif_unsupported | deny undetermined
      only when conversation.x7 = true and conversation.x27 = true and recipient.country is not KE or unknown
      on 64 conditions (--all)
kaizala -> teams  message.send
    deny undetermined  ->  deliver
      only when conversation.x7 = true or unknown and conversation.x27 = true or unknown and recipient.country is not KE
      on conditions too many to be told
END

# ---------------------------------------------------------------- another row

policy('row', rows => $rows =~ s/text   deliver/text   plain_text/r);
told('old', 'row', <<'END', 'a row of the matrix');
teams -> kaizala  message.send: text
    deliver  ->  plain_text
END

# ------------------------------------------------------- a list and a diagram

policy('few', denials => [ @denials[ 1 .. 3 ] ]);
like((run('diff', 'few', 'few'))[1], qr/^no difference$/, 'a diagram');
told('few', 'old', <<'END', 'a diagram and a list');
teams -> kaizala  message.send: text
    deliver  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency | deny undetermined
      on conditions too many to be told
teams -> kaizala  message.send
    deny undetermined  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency
      on conditions too many to be told
teams -> kaizala  message.send
    deny gif_unsupported  ->  deny attachment_unsupported | deny scope_not_supported | deny geo_residency
      only when conversation.x0 = true and conversation.x20 = true
      on 8548 conditions (--all)
teams -> kaizala  message.send
    deny attachment_unsupported  ->  deny scope_not_supported | deny geo_residency
      only when conversation.x21 = true and conversation.x1 = true
      on 123 conditions (--all)
teams -> kaizala  message.send
    deny scope_not_supported  ->  deny geo_residency
      when conversation.x5 = true and conversation.x8 = true and conversation.x11 = true and conversation.x3 = true and conversation.x14 = true and conversation.x17 = true and conversation.x1 = true and conversation.x4 = true and conversation.x7 = true and conversation.x10 = true and conversation.x13 = true and conversation.x16 = true and conversation.x19 = true and conversation.x0 = true and conversation.x6 = true and conversation.x9 = true and conversation.x12 = true and conversation.x15 = true and conversation.x18 = true
teams -> kaizala  message.send: rich_text, image, attachment, action_card, other
    plain_text  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency | deny undetermined
      on conditions too many to be told
teams -> kaizala  message.send: gif
    drop event_not_shown  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency | deny undetermined
      only when conversation.x3 = true
      on conditions too many to be told
teams -> kaizala  message.send: gif
    placeholder gif_unsupported  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny undetermined
      only when conversation.x3 = false
      on conditions too many to be told
kaizala -> teams  message.send
    deliver  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency | deny undetermined
      on conditions too many to be told
kaizala -> teams  message.send
    deny undetermined  ->  deny gif_unsupported | deny attachment_unsupported | deny scope_not_supported | deny geo_residency
      on conditions too many to be told
kaizala -> teams  message.send
    deny gif_unsupported  ->  deny attachment_unsupported | deny scope_not_supported | deny geo_residency
      only when conversation.x0 = true and conversation.x20 = true
      on 8548 conditions (--all)
kaizala -> teams  message.send
    deny attachment_unsupported  ->  deny scope_not_supported | deny geo_residency
      only when conversation.x21 = true and conversation.x1 = true
      on 123 conditions (--all)
kaizala -> teams  message.send
    deny scope_not_supported  ->  deny geo_residency
      when conversation.x5 = true and conversation.x8 = true and conversation.x11 = true and conversation.x3 = true and conversation.x14 = true and conversation.x17 = true and conversation.x1 = true and conversation.x4 = true and conversation.x7 = true and conversation.x10 = true and conversation.x13 = true and conversation.x16 = true and conversation.x19 = true and conversation.x0 = true and conversation.x6 = true and conversation.x9 = true and conversation.x12 = true and conversation.x15 = true and conversation.x18 = true
END

# ---------------------------------------------------- all of it, for programs

my ($code, $json) = run('diff', '--json', 'old', 'row');
is($json, '{"changes":[{"from":"teams","to":"kaizala","events":["message.send: text"],"old":["deliver"],"new":["plain_text"],"when":[]}],"differs":[]}' . "\n", '--json');
($code, $json) = run('diff', '--json', 'old', 'less');
like($json, qr/"old":\["deny undetermined"\],"new":\["deliver"\],"when":\[\],"only_when":"conversation\.x27 = true or unknown and conversation\.x7 = true or unknown"\}/,
    '--json: what too many conditions have in common');
my @when = $json =~ /"old":\["deny attachment_unsupported"\],"new":\[[^\]]+\],"when":\[([^\]]+)\]/ ? $1 =~ /"[^"]+"/g : ();
is(scalar @when, 64, '--json: each condition, where they can be told');
is((grep { !/x27 = true and conversation\.x7 = true/ } @when), 0, 'and all have that in common');
my @all = (run('diff', '--all', 'old', 'less'))[1] =~ /^      (?:when|or  ) (.*)$/mg;
is_deeply([ map { qq("$_") } @all[ 0 .. 63 ] ], \@when, '--all tells the same');

# --------------------------------------------------------------- the table

is((run('matrix', 'teams', 'kaizala', '--policy', 'old'))[1], <<'END', 'matrix of lists');
Messages sent in Teams

Type      Event in Teams                                Experience in Kaizala
--------  --------------------------------------------  -----------------------------------------------------
Message   Text                                          Text message
Message   Attachment                                    Simple text message
Message   GIF                                           Unsupported message with redirection to Teams or none
Message   Rich text (for example, formatted text, URL)  Simple text message
Message   All other message types                       None
Action    Edit                                          None
Action    Delete                                        Message will not be deleted

Ordinary one-on-one conversation that was started: every gate is passed, toggles are unset.
END
policy('small', denials => [ $denials[1] ]);
is((run('matrix', 'teams', 'kaizala', '--all', '--policy', 'old'))[1] =~ s/\n\n[^\n]+\n\z//r,
    (run('matrix', 'teams', 'kaizala', '--all', '--policy', 'small'))[1] =~ s/\n\n[^\n]+\n\z//r, 'gates are passed in either: the same rows');

# ------------------------------------------------- rules of single tenants

sub tenant {
    my ($id, $kind, $more) = @_;
    (my $name = $id) =~ s/-/_/g;
    return qq(policy of_$name for tenant "$id" between teams and kaizala {\n    gate for message.send { deny interop_disabled  when kind == $kind and conversation.x1; }\n)
        . ($more // '') . "}\n";
}
policy('t0', denials => [ $denials[1] ], more => join '', map { tenant("t-$_", 'gif') } 1 .. 9);
policy('t1', denials => [ $denials[1] ], more => join '', map { tenant("t-$_", $_ == 3 ? 'image' : 'gif',
    $_ < 9 ? '' : "    matrix teams -> kaizala { message.* text placeholder when conversation.x2; * deliver; }\n") } 1, 3 .. 10);
told('t0', 't1', <<'END', 'tenants: one less, one more, another rule, a matrix');
tenant t-10: teams -> kaizala  conversation.* participant.* reaction.* typing read_receipt call.* recording.* transcription.* screen_share.start meeting.create media.upload account.* group.map invite_link.* batch other; message.send: rich_text, image, attachment, action_card, other; message.reply message.edit message.delete message.undelete message.get message.list: rich_text, image, gif, attachment, action_card, other
    as for all  ->  deliver
tenant t-10: teams -> kaizala  message.send: text, gif; message.reply message.edit message.delete message.undelete message.get message.list: text
    as for all  ->  deliver | deny interop_disabled | deny undetermined:conversation.x1 | placeholder and 1 more that are undetermined
tenant t-10: kaizala -> teams  message.send: gif
    as for all  ->  deny interop_disabled | deny undetermined:conversation.x1
      when conversation.x1 = true or unknown
tenants t-2, t-3: teams -> kaizala  message.send: gif
    deny interop_disabled | deny undetermined:conversation.x1  ->  as for all
      when conversation.x1 = true or unknown
tenants t-2, t-3: kaizala -> teams  message.send: gif
    deny interop_disabled | deny undetermined:conversation.x1  ->  as for all
      when conversation.x1 = true or unknown
tenant t-3: teams -> kaizala  message.send: image
    as for all  ->  deny interop_disabled | deny undetermined:conversation.x1
      when conversation.x1 = true or unknown
tenant t-3: kaizala -> teams  message.send: image
    as for all  ->  deny interop_disabled | deny undetermined:conversation.x1
      when conversation.x1 = true or unknown
tenant t-9: teams -> kaizala  conversation.* participant.* reaction.* typing read_receipt call.* recording.* transcription.* screen_share.start meeting.create media.upload account.* group.map invite_link.* batch other; message.*: rich_text, image, gif, attachment, action_card, other
    as for all  ->  deliver
tenant t-9: teams -> kaizala  message.*: text
    as for all  ->  deliver | placeholder | deny undetermined:conversation.x2
tenant (not known): teams -> kaizala  conversation.* participant.* message.reply message.edit message.delete message.undelete message.get message.list reaction.* typing read_receipt call.* recording.* transcription.* screen_share.start meeting.create media.upload account.* group.map invite_link.* batch other
    as for all  ->  deny undetermined:sender.tenant.id
END
policy('t2', denials => [ $denials[1] ], more => join '', map { tenant("t-$_", 'text') } 1 .. 9);
told('t0', 't2', <<'END', 'what several tenants have is told once');
tenants t-1, t-2, t-3, t-4, t-5, t-6 and 3 more: teams -> kaizala  message.send: text
    as for all  ->  deny interop_disabled | deny undetermined:conversation.x1
      when conversation.x1 = true or unknown
tenants t-1, t-2, t-3, t-4, t-5, t-6 and 3 more: teams -> kaizala  message.send: gif
    deny interop_disabled | deny undetermined:conversation.x1  ->  as for all
      when conversation.x1 = true or unknown
tenants t-1, t-2, t-3, t-4, t-5, t-6 and 3 more: kaizala -> teams  message.send: text
    as for all  ->  deny interop_disabled | deny undetermined:conversation.x1
      when conversation.x1 = true or unknown
tenants t-1, t-2, t-3, t-4, t-5, t-6 and 3 more: kaizala -> teams  message.send: gif
    deny interop_disabled | deny undetermined:conversation.x1  ->  as for all
      when conversation.x1 = true or unknown
END
($code, $json) = run('diff', '--json', 't0', 't2');
like($json, qr/^\{"changes":\[\{"tenants":\["t-\d"(?:,"t-\d"){8}\],"from":"teams","to":"kaizala",/, '--json: whose they are');
done_testing();
