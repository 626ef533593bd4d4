#!/usr/bin/perl
# interopctl diff: what two policies decide otherwise, all of it and no more.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp copy_policy edit);

plan skip_all => "$CTL is not built" unless -x $CTL;

my $pair = 'policies/teams-kaizala.rules';
copy_policy('old');

sub differs {
    my ($name, $want) = @_;
    my ($code, $out, $err) = run('diff', 'old', $name);
    is($out, $want, "$name: what is told");
    is($code, 1, "$name: exit 1");
    is($err, '', "$name: no error");
    my ($back) = run('diff', $name, 'old');
    is($back, 1, "$name: and the other way round");
    return;
}

# ---------------------------------------------------------- no difference

is(join('', run('diff', 'old', 'old')), "0no difference\n", 'a policy and itself');
run('compile', 'old', '-o', 'old.img');
is(join('', run('diff', 'old', 'old.img')), "0no difference\n", 'sources and their image');

# the order of denials whose reasons rank as before, of toggles and of policies means nothing
copy_policy('moved');
edit("moved/$pair", qr/        deny kaizala_disabled        when [^\n]+\n/, '');
edit("moved/$pair", qr/        deny must_start_in_kaizala [^;]+;\n/,
    sub { "$_[0]        deny kaizala_disabled        when toggle kaizala.enabled is off  [KT-5];\n" });
my $set = slurp("$DIR/moved/policies/transition.rules");
rename "$DIR/moved/policies/transition.rules", "$DIR/moved/policies/a.rules";
is(join('', run('diff', 'old', 'moved')), "0no difference\n", 'rules in another order');

# ------------------------------------------------------------- one verdict

copy_policy('verdict');
edit("verdict/$pair", qr/message\.send +action_card +placeholder +action_card_unsupported/,
    'message.send action_card drop event_not_shown');
differs('verdict', <<'END');
kaizala -> teams  message.send: action_card
    placeholder action_card_unsupported  ->  drop event_not_shown
END

# two kinds in one row, with a condition
copy_policy('guarded');
edit("guarded/$pair", qr/(?=        message\.send message\.reply  gif )/,
    "        message.send  gif  deliver  when recipient.country == KE;\n");
differs('guarded', <<'END');
teams -> kaizala  message.send: gif
    placeholder gif_unsupported  ->  deliver | deny undetermined:recipient.country
      when recipient.country = KE or unknown
END

# ------------------------------------------------- one country in a set

copy_policy('country');
edit("country/$pair", qr/ MY VN TH /, ' MY VN DE TH ');
{
    my ($code, $out) = run('diff', 'old', 'country');
    is($code, 1, 'a country more: exit 1');
    my @rows = grep { /^\S/ } split /\n/, $out;
    is(scalar @rows, 2, 'one row for each direction') or diag($out);
    like($out, qr/^    deny geo_not_live  ->  deliver \| /m, 'what was denied is decided by what else applies');
    my @when = $out =~ /^      (?:when|or  ) (.*)$/mg;
    is(scalar @when, 8, 'on the conditions of either side');
    is((grep { !/country = DE\b/ } @when), 0, 'and each says that it is the new country');
    unlike($out, qr/more conditions/, 'none is left out');
}

# ---------------------------------------------------- a gate less, a gate more

copy_policy('open');
edit("open/$pair", qr/        deny compliance_tier [^;]+;\n/, '');
{
    my ($code, $out) = run('diff', 'old', 'open');
    is((grep { /^    deny compliance_tier  ->  deliver \| / } split /\n/, $out), 2, 'a gate less: all that it denied, both ways');
    is((grep { /^    deny (?!compliance_tier|undetermined:(?:sender|recipient)\.tenant\.required_tier)/ } split /\n/, $out), 0, 'and nothing else')
        or diag($out);
    my (undef, $more) = run('diff', 'open', 'old');
    is((grep { /  ->  deny compliance_tier$/ } split /\n/, $more), 2, 'a gate more: all that it denies now');
}

# ------------------------------------------------------ what is no decision

copy_policy('text');
edit("text/$pair", qr/Open it in \{system\}/, 'See it in {system}');
differs('text', "differs: texts of placeholders\n");
copy_policy('words');
edit('words/vocabulary.rules', qr/reason gif_unsupported +403 "[^"]+"/, 'reason gif_unsupported 403 "No GIFs."');
differs('words', "differs: status or message of the reason: gif_unsupported\n");
copy_policy('notice');
edit('notice/vocabulary.rules', qr/(notice not-shown +for verdict) drop/, 'notice not-shown for verdict drop as_reply');
differs('notice', "differs: when the notice is given: not-shown\n");
copy_policy('kept');
edit("kept/$pair", qr/operation in message\.send message\.reply conversation\.create/, 'operation in message.send conversation.create');
differs('kept', "differs: what is remembered\n");
copy_policy('cut');
edit('cut/policies/kaizala-groups.rules', qr/(cut history_hidden before sender.joined)  when/, 'cut history_hidden before now  when');
differs('cut', "differs: what is set or cut\n");
copy_policy('named');
edit('named/policies/acs-teams.rules', qr/set name with " \(External\)"  when sender.system/, 'set name with " (Guest)"  when sender.system');
differs('named', "differs: what is set or cut\n");

# ------------------------------------------------- rules of single tenants

my $own = 'policy quiet for tenant "%s" between teams and kaizala {
    gate { deny interop_disabled  when kind == %s  [OWN]; }
}
';
copy_policy('tenant');
InteropCtl::spew('tenant/policies/own.rules', sprintf $own, 't-1', 'gif');
differs('tenant', <<'END');
tenant t-1: teams -> kaizala  *: gif
    as for all  ->  deny interop_disabled
tenant t-1: kaizala -> teams  *: gif
    as for all  ->  deny interop_disabled
tenant (not known): teams -> kaizala  *
    as for all  ->  deny undetermined:sender.tenant.id
tenant (not known): kaizala -> teams  *
    as for all  ->  deny undetermined:sender.tenant.id
END
copy_policy('tenant2');
InteropCtl::spew('tenant2/policies/own.rules', sprintf $own, 't-1', 'image');
is(join('', run('diff', 'tenant', 'tenant2')), "1" . <<'END', 'another rule of the same tenant');
tenant t-1: teams -> kaizala  *: image
    as for all  ->  deny interop_disabled
tenant t-1: teams -> kaizala  *: gif
    deny interop_disabled  ->  as for all
tenant t-1: kaizala -> teams  *: image
    as for all  ->  deny interop_disabled
tenant t-1: kaizala -> teams  *: gif
    deny interop_disabled  ->  as for all
END
is(join('', run('diff', 'tenant', 'tenant')), "0no difference\n", 'the same rule of the same tenant');
like((run('check', 'tenant'))[1], qr/^  tenants        1 with rules of their own$/m, 'check counts them');

# -------------------------------------------------------- API definitions

copy_policy('api');
edit('api/apis/kaizala.rules', qr/"code"/, '"reason"');
differs('api', "differs: the definition of the API: kaizala\n");
copy_policy('form');
edit('form/apis/kaizala.rules', qr/guards /, "# told otherwise\n   guards ");
is(join('', run('diff', 'old', 'form')), "0no difference\n", 'comments and white space are no difference');
unlink "$InteropCtl::DIR/form/apis/acs-calling.rules";
is(join('', run('diff', 'old', 'form')), "1differs: only the old policy has the API: acs_calling\n", 'an API that is gone');
is(join('', run('diff', 'form', 'old')), "1differs: only the new policy has the API: acs_calling\n", 'and one that is new');

# -------------------------------------------------------------- other forms

my ($code, $json) = run('diff', '--json', 'old', 'verdict');
is($code, 1, '--json: exit 1');
is($json, '{"changes":[{"from":"kaizala","to":"teams","events":["message.send: action_card"],'
    . '"old":["placeholder action_card_unsupported"],"new":["drop event_not_shown"],"when":[]}],"differs":[]}' . "\n", '--json tells the same');
is(join('', run('diff', '--json', 'old', 'old')), qq(0{"changes":[],"differs":[]}\n), '--json of no difference');
is(join('', (run('diff', 'old'))[0, 2]), "2interopctl diff: which policy against which?\n  interopctl diff --help tells how\n", 'one policy is too few');
is(join('', (run('diff', 'old', 'none'))[0, 2]), "2interopctl: none: No such file or directory\n", 'a policy that is not there');
done_testing();
