#!/usr/bin/perl
# per_recipient: each system its own verdict, one body for those that get it.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($CTL $DIR run spew copy_policy edit);
use InteropJSON qw(encode decode);

plan skip_all => "$CTL is not built" unless -x $CTL;

# a vocabulary and APIs that are there, and a policy that does something else for each system
copy_policy('fan');
unlink glob "$DIR/fan/policies/*.rules";
my $rules = <<'END';
record conversation { seen_by_sfb flag default false; asked flag; }

policy fan_out on teams {
    per_recipient graph;
    remember { conversation.seen_by_sfb = true when recipient.system == sfb and operation == message.send; }
}

policy k between teams and kaizala {
    matrix teams -> kaizala {
        message.send  text         deliver;
        message.send  rich_text    plain_text  rich_text_unsupported;
        message.send  image        placeholder  attachment_unsupported;
        message.send  gif          deny  gif_unsupported;
        message.send  attachment   strip  file;
        message.edit  text         as_reply  when message.delivered_as == text;
        message.edit  *            placeholder;
        reaction.add               drop  event_not_shown;
        *                          deliver;
    }
    matrix kaizala -> teams { * deliver; }
    placeholder teams -> kaizala { text "Open it in {system}."  system teams; }
}

policy a between teams and acs {
    matrix teams -> acs {
        message.send  image        strip  images_not_supported  image;
        message.send  gif          drop  event_not_shown;
        message.send  attachment   plain_text;
        message.reply  *           deny  scope_not_supported  when conversation.asked;
        *                          deliver;
    }
    matrix acs -> teams { * deliver; }
}

policy s between teams and sfb {
    matrix teams -> sfb {
        message.send  text         deny  scope_not_supported  notice escalation-available  when not conversation.seen_by_sfb and recipient.country == KE;
        message.send  text         deliver;
        message.send  rich_text    drop  event_not_shown;
        message.send  image        deny  attachment_unsupported;
        message.send  gif          deny  feature_unsupported;
        message.send  attachment   strip  attachment_unsupported  gif;
        message.reply  *           deny  hybrid_required  when recipient.mode == TeamsOnly;
        *                          deliver;
    }
    matrix sfb -> teams { * deliver; }
}
END
spew('fan/policies/fan.rules', $rules);

my $tenant = '7c1e5a00-0000-4000-8000-00000000c001';
my @people = (
    { id => 'lina', reads => 'teams' }, { id => 'tomas', reads => 'teams' }, { id => 'kiran', reads => 'kaizala' },
    { id => 'abe', reads => 'acs' }, { id => 'sven', reads => 'sfb', country => 'KE' }, { id => 'sara', reads => 'sfb', country => 'IN' },
);

# one step; %o: with (who is there besides lina), kind or request, expect, and options of the run
sub given {
    my (@there) = @_;
    my $given = encode({ now => '2025-10-09T08:00:00Z', tenants => [ { id => $tenant, country => 'IN', residency => 'IN' } ],
        users => [ map { { id => $_->{id}, tenant => $tenant, systems => [qw(teams kaizala acs sfb)], reads_on => $_->{reads},
            $_->{country} ? (country => $_->{country}) : () } } @people ],
        conversations => [ { id => 'c-1', type => 'group', participants => [ 'lina', @there ], started => '#true', tenant => $tenant } ] });
    $given =~ s/"#true"/true/g;
    return $given;
}

my %body = (
    text => { body => { contentType => 'text', content => 'Gate 3' } },
    rich_text => { body => { contentType => 'html', content => '<p>Gate <b>3</b></p>' } },
    image => { body => { contentType => 'html', content => '<p>Look</p><img src="../hostedContents/1/$value" alt="dance">' },
        hostedContents => [ { '@microsoft.graph.temporaryId' => '1', contentBytes => 'iVBORw0K', contentType => 'image/png' } ] },
    gif => { body => { contentType => 'html', content => '<p>Look</p><img src="https://media.tenor.com/x.gif" alt="dance">' } },
    attachment => { body => { contentType => 'html', content => '<p>Look <img src="https://media.tenor.com/x.gif" alt="dance"></p><attachment id="1"></attachment>' },
        attachments => [ { id => '1', contentType => 'reference', contentUrl => 'https://files.example/a.pdf', name => 'a.pdf' } ] },
);

sub step {
    my ($what, $expect) = @_;
    my $request = ref $what ? $what : { method => 'POST', uri => '/v1.0/chats/c-1/messages', json => $body{$what} };
    $request = { %$request, headers => { 'content-type' => 'application/json', %{ $request->{headers} // {} } } } if $request->{json};
    return { api => 'graph', sender => 'lina', request => $request, upstream_answers => [ { status => '#201', json => { id => 'm-1' } } ],
        expect => $expect };
}

sub write_case {
    my ($there, @steps) = @_;
    my $text = '[{"id":"c","given":' . given(@$there) . ',"steps":' . encode(\@steps) . '}]';
    $text =~ s/"#(\d+|true)"/$1/g;
    return spew('case.json', $text);
}

sub holds {
    my ($name, $there, @steps) = @_;
    my %o = ref $steps[-1] eq 'HASH' && $steps[-1]{policy} ? %{ pop @steps } : (policy => 'fan');
    write_case($there, @steps);
    my ($code, $out, $err) = run('test', 'case.json', '--policy', $o{policy});
    is($out . join('', grep { !/is never used|^  / } split /^/, $err), "1 passed, 0 failed\n", $name);
    return;
}

# what goes on: the header, as upstream gets it and the client is told, the body, and what is said of it
sub goes {
    my ($header, $verdict, $has, %o) = @_;
    my %told = (headers => { 'Interop-Recipients' => $header });
    return { verdict => $verdict, upstream => [ { %told, ref $has ? %$has : (has => [$has]) } ], response => { status => '#201', %told },
        map { exists $o{$_} ? ($_ => $o{$_}) : () } qw(reason notices no_notices) };
}

sub stays {
    my ($verdict, $reason, $status) = @_;
    return { verdict => $verdict, $reason ? (reason => $reason) : (), upstream => [],
        response => { status => "#$status", headers => { 'Interop-Recipients' => { absent => '#true' } } } };
}

my $same = { same_bytes => '#true' };

# ------------------------------------------------------------ who gets what

holds('one system is denied, the others get it to the byte', [qw(tomas kiran abe sven)], step('text',
    goes('teams=deliver, kaizala=deliver, acs=deliver, sfb=deny;reason=scope_not_supported', 'deliver', $same, notices => ['escalation-available'])));
holds('the strictest of a system holds for that system', [qw(kiran sara sven)], step('text',
    goes('kaizala=deliver, sfb=deny;reason=scope_not_supported', 'deliver', $same)));
holds('the body is what the strictest that goes on makes of it', [qw(tomas kiran abe sara)], step('rich_text',
    goes('teams=deliver, kaizala=plain_text;reason=rich_text_unsupported, acs=deliver, sfb=drop;reason=event_not_shown', 'plain_text',
        { json_has => { '/body' => { contentType => 'text', content => 'Gate 3' } } }, reason => 'rich_text_unsupported', notices => ['formatting-removed'])));
holds('nothing that is stricter than that is in it', [qw(kiran abe sven)], step('image',
    goes('kaizala=placeholder;reason=attachment_unsupported, acs=strip;reason=images_not_supported, sfb=deny;reason=attachment_unsupported',
        'placeholder', { has => ['Open it in Microsoft Teams.'], lacks => [ 'Look', 'iVBORw0K' ] })));
holds('what two verdicts take out is all out', [qw(kiran sara)], step('attachment',
    goes('kaizala=strip, sfb=strip;reason=attachment_unsupported', 'strip', { has => ['Look'], lacks => [ '<img', 'a.pdf' ] })));
holds('there is one system only', ['abe'], step('text', goes('acs=deliver', 'deliver', $same)));
holds('nobody of another system', ['tomas'], step('text', goes('teams=deliver', 'deliver', $same)));
holds('a rewrite that changes nothing is a delivery for all', [qw(kiran abe)], step({ method => 'POST', uri => '/v1.0/chats/c-1/messages',
    json => { body => { contentType => 'html', content => '<p>Gate 3</p>' } } }, goes('kaizala=deliver, acs=deliver', 'deliver', $same)));

# ------------------------------------------------------------ who gets nothing

holds('all are refused: the first reason', [qw(kiran sven)], step('gif', stays('deny', 'gif_unsupported', 403)));
holds('some refused, some dropped', [qw(kiran abe)], step('gif', stays('deny', 'gif_unsupported', 403)));
holds('all dropped', ['abe'], step('gif', stays('drop', 'event_not_shown', 202)));
holds('but for one', [qw(tomas kiran abe sven)], step('gif',
    goes('teams=deliver, kaizala=deny;reason=gif_unsupported, acs=drop;reason=event_not_shown, sfb=deny;reason=feature_unsupported', 'deliver', $same,
        notices => ['not-shown'])));
holds('somebody of whom nobody knows where they read', [qw(tomas kiran ghost)], step('text', stays('deny', 'undetermined:recipient.reads_on', 403)));

my %reply = (method => 'POST', uri => '/v1.0/chats/c-1/messages/replyWithQuote',
    json => { messageIds => ['9'], replyMessage => { body => { contentType => 'text', content => 'Yes' } } });
holds('what cannot be told of a system is denied to it', [qw(tomas kiran abe sven)], step({%reply},
    goes('teams=deliver, kaizala=deliver, acs=deny;reason=undetermined:conversation.asked, sfb=deny;reason=undetermined:recipient.mode', 'deliver', $same)));
holds('and to all where nobody is left', [qw(abe sven)], step({%reply}, stays('deny', 'undetermined:conversation.asked', 403)));

# ---------------------------------------------- operations, headers, memory

my %edit = (method => 'PATCH', uri => '/v1.0/chats/c-1/messages/m-1', json => { body => { contentType => 'text', content => 'Gate 4' } });
holds('an edit as a reply, for one of them', [qw(kiran abe)],
    step('text', goes('kaizala=deliver, acs=deliver', 'deliver', $same)),
    { %{ step({%edit}) }, expect => { verdict => 'as_reply', upstream => [ { method => 'POST', uri => '/v1.0/chats/c-1/messages/replyWithQuote',
        headers => { 'Interop-Recipients' => 'kaizala=as_reply, acs=deliver' }, has => ['Gate 4'] } ] } });
holds('an event without content', [qw(tomas kiran)], step({ method => 'POST', uri => '/v1.0/chats/c-1/messages/1/setReaction', json => { reactionType => 'like' } },
    goes('teams=deliver, kaizala=drop;reason=event_not_shown', 'deliver', $same)));
holds('what is read is not split', [qw(tomas kiran)], { %{ step({ method => 'GET', uri => '/v1.0/chats/c-1/messages/1' }) },
    expect => { upstream => [ { headers => { 'Interop-Recipients' => { absent => '#true' } } } ] } });
holds('a client names no systems', [qw(kiran sven)], step({ method => 'POST', uri => '/v1.0/chats/c-1/messages', json => $body{text},
    headers => { 'interop-recipients' => 'sfb=deliver', 'INTEROP-Recipients' => 'sfb=deliver' } },
    goes('kaizala=deliver, sfb=deny;reason=scope_not_supported', 'deliver', { lacks => ['sfb=deliver'] })));
my $refused = goes('kaizala=deliver, sfb=deny;reason=scope_not_supported', 'deliver', $same);
holds('nothing is remembered of a system that did not get it', [qw(kiran sven)], step('text', $refused), step('text', $refused));
edit('fan/policies/fan.rules', qr/ and operation == message.send/, ' and operation == reaction.add');
holds('of one that did, it is', [qw(kiran sven)], step('text', $refused),
    step({ method => 'POST', uri => '/v1.0/chats/c-1/messages/1/setReaction', json => { reactionType => 'like' } },
        goes('kaizala=drop;reason=event_not_shown, sfb=deliver', 'deliver', $same)),
    step('text', goes('kaizala=deliver, sfb=deliver', 'deliver', $same)));
spew('fan/policies/fan.rules', $rules);

# on a native leg the fan-out is told what to send, and where nothing goes
holds('a native leg', [qw(tomas kiran abe sven)], { %{ step('rich_text') }, leg => 'native', expect => { verdict => 'deliver',
    upstream => [ { same_bytes => '#true', headers => {
        'Interop-Recipients' => 'teams=deliver, kaizala=plain_text;reason=rich_text_unsupported, acs=deliver, sfb=drop;reason=event_not_shown',
        'Interop-Cross' => 'kaizala;verdict=plain_text;reason=rich_text_unsupported;text="Gate 3", acs;verdict=deliver, sfb;verdict=drop;reason=event_not_shown',
    } } ] } });
holds('a native leg, one denied', [qw(tomas sven)], { %{ step('text') }, leg => 'native', expect => { verdict => 'deliver',
    upstream => [ { same_bytes => '#true', headers => { 'Interop-Cross' => 'sfb;verdict=deny;reason=scope_not_supported' } } ] } });

# several in one request: each for itself
holds('a batch', [qw(kiran sven)], { %{ step({ method => 'POST', uri => '/v1.0/$batch', json => { requests => [
    map { { id => "$_", method => 'POST', url => '/chats/c-1/messages', headers => { 'Content-Type' => 'application/json', 'Interop-Recipients' => 'sfb=deliver' },
        body => $body{ (qw(text gif))[$_] } } } 0 .. 1 ] } }) },
    upstream_answers => [ { status => '#200', json => { responses => [ { id => '0', status => '#201', headers => {}, body => { id => 'm-1' } } ] } } ],
    expect => { upstream => [ { json_has => { '/requests/0/headers/Interop-Recipients' => 'kaizala=deliver, sfb=deny;reason=scope_not_supported',
        '/requests/1' => { absent => '#true' } }, lacks => ['sfb=deliver'] } ],
        response => { json_has => { '/responses/0/headers/Interop-Recipients' => 'kaizala=deliver, sfb=deny;reason=scope_not_supported' } } } });

# ------------------------------------------------------------------ not of it

copy_policy('plain');
unlink glob "$DIR/plain/policies/*.rules";
spew('plain/policies/fan.rules', $rules =~ s/per_recipient graph;/per_recipient graph for reaction.add;/r);
holds('an operation that is not named', [qw(kiran sven)], step('text', stays('deny', 'scope_not_supported', 403)), { policy => 'plain' });
holds('two verdicts in one body, without it too', [qw(kiran sara)], step('attachment', { verdict => 'strip',
    upstream => [ { headers => { 'Interop-Recipients' => { absent => '#true' } }, has => ['Look'], lacks => [ '<img', 'a.pdf' ] } ] }), { policy => 'plain' });

# a meeting takes the place of all
copy_policy('meet');
unlink glob "$DIR/meet/policies/*.rules";
spew('meet/policies/fan.rules', $rules =~ s/(message\.send  text +)deny  scope_not_supported/$1escalate  escalated_to_meeting/r
    . "\npolicy m between teams and sfb {\n    escalation teams -> sfb { text \"Join: {link}\"; subject \"S\"; window 15m; no_meeting meeting_not_created; not_told link_not_delivered; busy meeting_under_way; }\n}\n");
holds('where one system needs a meeting, it is one for all', [qw(kiran sven)], { %{ step('text') }, upstream_answers => [
    { status => '#201', json => { joinWebUrl => 'https://meet.example/1' } }, { status => '#201', json => { id => 'm-2' } } ],
    expect => { verdict => 'escalate', response => { status => '#409' } } }, { policy => 'meet' });

# ---------------------------------------------------------------- how it is told

write_case([qw(tomas kiran sven)], step('text', {}));
my ($code, $out) = run('explain', 'case.json', '--policy', 'fan');
is($code, 0, 'explain');
my $list = 'teams=deliver, kaizala=deliver, sfb=deny;reason=scope_not_supported';
like($out, qr/^verdict     deliver\n/, 'explain: the verdict of what goes on');
like($out, qr/^systems     \Q$list\E$/m, 'explain: each system');
like($out, qr/^recipient   sven, reads in sfb: deny scope_not_supported\n  by s\.line-\d+ /m, 'explain: why one gets nothing');
like($out, qr/^    Interop-Recipients: \Q$list\E$/m, 'explain: what upstream gets');
my $json = decode((run('explain', 'case.json', '--json', '--policy', 'fan'))[1]);
is(join(' ', map { my $v = $json->{systems}{$_}; join '/', $_, grep { defined } @$v{qw(verdict reason)} } sort keys %{ $json->{systems} }),
    'kaizala/deliver sfb/deny/scope_not_supported teams/deliver', 'explain --json');

is((run('diff', 'fan', 'plain'))[1], "differs: which requests have a verdict for each system: graph\n", 'diff');
is((run('diff', 'fan', 'fan'))[1], "no difference\n", 'diff with itself');
spew('one.rules', "policy p on teams {\n  per_recipient   graph botframework for message.send typing;\n}\n");
run('fmt', 'one.rules');
is(InteropCtl::slurp("$DIR/one.rules"), "policy p on teams {\n    per_recipient  graph botframework for message.send typing;\n}\n", 'fmt');
done_testing();
