#!/usr/bin/perl
# interopctl's verbs on policies: help, exit codes, and what they say, word for
# word, of a policy that is wrong and of an image that is damaged.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp spew copy_policy edit line_of);

plan skip_all => "$CTL is not built" unless -x $CTL;

# ---------------------------------------------------------- help, wrong use

{
    my ($code, $out, $err) = run('--help');
    is($code, 0, '--help is good');
    is($err, '', 'and says nothing on standard error');
    my @verbs = $out =~ /^  ([a-z]+) {2,}\S/mg;
    cmp_ok(scalar @verbs, '>=', 10, 'there are verbs');
    for my $verb (@verbs) {
        my ($c, $o, $e) = run($verb, '--help');
        is($c, 0, "$verb --help is good");
        like($o, qr/^usage: interopctl (?:\Q$verb\E|KIND) /, "$verb --help tells the usage");
        is($e, '', "$verb --help says nothing on standard error");
        unlike($o, qr/^.{85}/m, "$verb --help fits a terminal");
        is(join('', run('help', $verb)), "0$o", "help $verb is the same");
    }
    ($code, $out, $err) = run();
    is($code, 2, 'no verb is wrong use');
    is($out, '', 'told on standard error');
    is((run('help', 'chek'))[0], 2, 'help for an unknown verb too');
    ($code, $out, $err) = run('chek');
    is($code, 2, 'an unknown verb is wrong use');
    is($err, qq{interopctl: no verb "chek"; did you mean "check"?\n  interopctl --help lists them\n}, 'with a suggestion');
}

sub wrong {
    my ($args, $message) = @_;
    my ($code, $out, $err) = run(@$args);
    is($code, 2, "@$args: wrong use");
    is($err, "interopctl $args->[0]: $message\n  interopctl $args->[0] --help tells how\n", "@$args: and how");
    is($out, '', "@$args: nothing else");
    return;
}

wrong(['check', '--jsn'], 'no option --jsn; did you mean --json?');
wrong(['check', 'a', 'b'], 'one policy at a time');
wrong(['compile', "$ROOT/conf.d"], 'where to? give -o FILE');
wrong(['compile', '-o'], '--output wants a value');
wrong(['test'], 'which case files?');
wrong(['explain'], 'which event? give a case file, or --step FILE');
wrong(['replay'], 'which audit log?');
wrong(['bench'], 'which case files?');
wrong(['bench', '--seconds', '0', 'x.json'], '--seconds wants 1 to 600');
wrong(['matrix', 'kaizala'], 'from which system to which?');
wrong(['matrix', 'kaizala', 'team'], 'the policy has no system team; did you mean teams?');

# --------------------------------------------------------- check and compile

{
    my ($code, $out, $err) = run('check', 'conf.d', { in => $ROOT });
    is($code, 0, 'the policy pack is good');
    is($err, '', 'without a warning');
    like($out, qr{\Aconf\.d: good\n(?:  [A-Za-z ]{14} [^\n]+\n){7}\z}, 'and has a summary');
    like($out, qr/^  systems        4$/m, 'systems');
    like($out, qr/^  APIs           6, \d+ operations$/m, 'APIs');
    like($out, qr/^  cells          \d+, \d+ distinct decisions$/m, 'cells');
    like($out, qr/^  worst decision \d+ atoms looked at for one recipient$/m, 'worst case');
    my ($longest) = $out =~ /^  worst decision (\d+)/m;
    cmp_ok($longest, '<=', 64, 'the worst decision is bounded');
    my ($c, $json) = run('check', '--json', "$ROOT/conf.d");
    is($c, 0, '--json is good too');
    like($json, qr/\A\{"systems":4,.*"longest":$longest,"bytes":\d+,"revision":"[0-9a-f]{16}"\}\n\z/, 'and tells the same');
    my ($c2, $out2) = run('check');
    is($c2, 0, 'without a path it finds the pack beside the command');
}

sub refused {
    my ($name, $message) = @_;
    my ($code, $out, $err) = run('check', $name);
    is($code, 1, "$name: found something");
    is($out, '', "$name: no summary");
    is($err, $message, "$name: the message");
    my ($code2, undef, $err2) = run('compile', $name, '-o', 'never.img');
    is("$code2 $err2", "1 $message", "$name: compile says the same");
    ok(!-e "$DIR/never.img", "$name: and writes nothing");
    return;
}

my $pair = 'policies/teams-kaizala.rules';

copy_policy('typo');
edit("typo/$pair", qr/unless kaizala_party\.linked_account  \[KT-3\]/, 'unless kaizala_party.linked_acount  [KT-3]');
my $line = line_of("typo/$pair", qr/linked_acount/);
refused('typo', <<"END");
typo/$pair:$line:45: unknown fact "kaizala_party.linked_acount"
          deny account_not_linked      unless kaizala_party.linked_acount  [KT-3];
                                              ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  hint: did you mean "kaizala_party.linked_account"?
END

copy_policy('type');
edit("type/$pair", qr/when conversation\.type != one_on_one and/, "when conversation.type > one_on_one\n and");
$line = line_of("type/$pair", qr/type > one/);
refused('type', <<"END");
type/$pair:$line:63: this fact has no order
  ..._supported     when conversation.type > one_on_one
                                             ^~~~~~~~~~
  hint: == or !=; a `one of` has one if it is declared `ordered`
END

copy_policy('dead');
edit("dead/$pair", qr/(        message\.send +text +deliver [^\n]+\n)/, sub { "$_[0]        message.send  text  drop event_not_shown;\n" });
$line = line_of("dead/$pair", qr/text  drop/);
refused('dead', <<"END");
dead/$pair:$line:9: this row never decides
          message.send  text  drop event_not_shown;
          ^~~~~~~~~~~~
  hint: wherever it holds, teams_kaizala.KT-9 decides first
END

copy_policy('rest');
edit("rest/$pair", qr/\n[^\n]+\[KT-12\];/, '');
$line = line_of("rest/$pair", qr/conversation\.create  \*/);
refused('rest', <<"END");
rest/$pair:$line:9: matrix kaizala -> teams has no row for conversation.update text
          conversation.create  *                     deliver      [KT-4];
          ^~~~~~~~~~~~~~~~~~~
  hint: end the matrix with a row for all the rest:  *  *  drop  REASON;
END

spew('otherwise.rules', slurp("$ROOT/conf.d/vocabulary.rules") . "toggle pilot.chat { on when tenant.country == IN; }\n");
$line = line_of("otherwise.rules", qr/pilot\.chat/);
refused('otherwise.rules', <<"END");
otherwise.rules:$line:1: a toggle says when it is on and what it is otherwise
  toggle pilot.chat { on when tenant.country == IN; }
  ^~~~~~
  hint: on when GUARD; off otherwise because REASON;
END

refused('nowhere', "interopctl: nowhere: No such file or directory\n");

# labels are read as strictly as rules
spew('label.rules', slurp("$ROOT/conf.d/vocabulary.rules") . qq{labels teams { message "Text" message.sent text; }\n});
$line = line_of("label.rules", qr/message\.sent/);
refused('label.rules', <<"END");
label.rules:$line:31: unknown operation or kind "message.sent"
  labels teams { message "Text" message.sent text; }
                                ^~~~~~~~~~~~
  hint: did you mean "message.send"?
END

# ------------------------------------------------------------------- images

{
    my ($code, $out, $err) = run('compile', "$ROOT/conf.d", '-o', 'pack.img');
    is("$code$out$err", '0', 'an image is made, without a word');
    is(join(' ', map { m{([^/]+)$} } glob "$DIR/pack.img*"), 'pack.img', 'and nothing is left beside it');
    my ($c, $summary) = run('check', 'pack.img');
    is($c, 0, 'it can be checked');
    my (undef, $sources) = run('check', "$ROOT/conf.d");
    is($summary =~ s/^.*\n//r, $sources =~ s/^.*\n//r, 'and has in it what the sources have');

    my $good = slurp("$DIR/pack.img");
    my $message = "interopctl: bad.img: the policy image is damaged: %s\n  hint: compile it again from its sources\n";
    substr(my $flipped = $good, length($good) / 2, 1) ^= "\x01";
    spew('bad.img', $flipped);
    is(join('', (run('check', 'bad.img'))[0, 2]), '1' . sprintf($message, 'its checksum does not fit'), 'a flipped bit');
    spew('bad.img', substr $good, 0, 1000);
    is(join('', (run('check', 'bad.img'))[0, 2]), '1' . sprintf($message, 'its size is not what it says'), 'a short image');
    spew('bad.img', $good . "\0" x 8);
    is(join('', (run('check', 'bad.img'))[0, 2]), '1' . sprintf($message, 'its size is not what it says'), 'a long image');

    is(join('', (run('compile', "$ROOT/conf.d", '-o', "$DIR/none/x.img"))[0, 2]),
        "1interopctl: $DIR/none/x.img: No such file or directory\n", 'an image that cannot be written');
    mkdir "$DIR/taken";
    is((run('compile', "$ROOT/conf.d", '-o', 'taken'))[0], 1, 'nor over a directory');
    is(join(' ', map { m{([^/]+)$} } glob "$DIR/taken*"), 'taken', 'and nothing is left beside it');
}

# ------------------------------------------------------------------- bench

{
    my ($code, $out, $err) = run('bench', '--policy', 'conf.d', '--seconds', '1', 't/cases/moving.json', { in => $ROOT });
    is("$code:$err", '0:', 'bench is good');
    like($out, qr/\Aevents         [1-9]\d*, \d+ passed over
decision       p50 [\d.]+ ns, p99 [\d.]+ ns
request        p50 [1-9]\d* ns, p99 [1-9]\d* ns
throughput     [1-9]\d* requests a second, on one core
revision       [0-9a-f]{16}\n\z/, 'and tells what it costs');
    ($code, $out, $err) = run('bench', '--policy', 'conf.d', '--seconds', '1', '--json', 't/cases/moving.json', { in => $ROOT });
    like($out, qr/\A\{"events":\d+,"skipped":\d+,"decision":\{"p50":[\d.]+,"p99":[\d.]+\},"request":\{"p50":\d+,"p99":\d+\},"requests_per_second":\d+,"revision":"[0-9a-f]{16}"\}\n\z/, 'bench --json too');
    spew('none.json', '[]');
    is(join('|', run('bench', '--policy', "$ROOT/conf.d", 'none.json')), "1||interopctl: there is no event that this policy can judge at once\n", 'no event');
}

# ------------------------------------------------------------------ explain

{
    my ($code, $out, $err) = run('explain', '--policy', 'conf.d', 't/lang/explain.json', { in => $ROOT });
    is($code, 0, 'explain is good');
    is($err, '', 'without a warning');
    my $golden = slurp("$ROOT/t/lang/explain.txt");
    $_ =~ s/\.rules:\d+/.rules:LINE/g for $out, $golden;
    is($out, $golden, 'and tells what t/lang/explain.txt holds');
    my ($c, $json) = run('explain', '--json', "$ROOT/t/lang/explain.json");
    is($c, 0, 'explain --json is good');
    like($json, qr/\A\{"verdict":"placeholder","reason":"gif_unsupported",.*"path":\[.*"upstream":\[\{"method":"POST".*\}\n\z/, 'and is one object');
    my $case = slurp("$ROOT/t/lang/explain.json");
    my ($given) = $case =~ /"given": (\{.*?\n  \}),\n  "steps"/s;
    my ($step) = $case =~ /"steps": \[(\{.*\})\]/s;
    spew('given.json', $given);
    spew('step.json', $step);
    my ($c2, $two) = run('explain', '--policy', "$ROOT/conf.d", '--given', 'given.json', '--step', 'step.json');
    $two =~ s/\Q$ROOT\E\///g;
    $two =~ s/\.rules:\d+/.rules:LINE/g;
    is($two, $golden, 'two files tell the same as the case');

    spew('facts.jsonl', join '', map { my $k = $_; map { my $r = $_; $r =~ s/\s*\n\s*/ /g; $r =~ s/^\{/{"kind":"$k",/; "$r\n" }
        $given =~ /"${k}s": \[\n(.*?)\n    \]/s ? $1 =~ /^\s*(\{.*\}),?$/mg : () } qw(tenant user conversation));
    is((run('import', 'facts.jsonl', '--store', 'store'))[0], 0, 'the same facts in a store');
    my ($c3, $three, $err3) = run('explain', '--policy', "$ROOT/conf.d", '--store', 'store', '--step', 'step.json');
    $three =~ s/\Q$ROOT\E\///g;
    $three =~ s/\.rules:\d+/.rules:LINE/g;
    is($three . $err3, $golden, 'a store tells the same');
    run('tenant', 'set', '0a6d5f10-0000-4000-8000-0000000000e1', 'toggles.interop.kaizala_teams=off', '--store', 'store');
    like((run('explain', '--store', 'store', '--step', 'step.json'))[1], qr/^verdict     deny\nreason      interop_disabled: /,
        'and another when a toggle was flipped');
    is(join('', (run('explain', "$ROOT/t/lang/explain.json", '--step', '2'))[0, 2]),
        "2interopctl explain: this case has 1 steps\n  interopctl explain --help tells how\n", 'a step that is not there');

    my @batch = ('explain', '--policy', "$ROOT/conf.d", "$ROOT/t/cases/batch.json", '--id', 'X-3-headers');
    like((run(@batch))[1], qr/^\nitem        1 message\.send: deliver;rule=teams_kaizala\.KT-14\nitem        2 outside of policy\n\n/m,
        'what became of each item of a batch');
    like((run(@batch, '--json'))[1], qr/,"items":\[\{"verdict":"deliver","rule":"teams_kaizala\.KT-14","operation":"message\.send","kind":"text",/,
        'and for programs');
    # an escalation: what it would ask of upstream, upstream's answers being assumed where the case has none
    my $told = (run('explain', "$ROOT/t/cases/meetings.json", '--id', 'SB-12-both', '--step', '1'))[1];
    like($told, qr/^meeting     made on sfb, its link told in c7a1, read in teams; in c7b2, read in teams; used again within 900 seconds$/m,
        'explain tells of a meeting');
    like($told, qr/^    client\.agent version "UCCAPI\/" >= 16\.0\.11901$/m, 'and of a version');
    like((run('explain', "$ROOT/t/cases/meetings.json", '--id', 'SB-11-again', '--step', '3'))[1], qr/^upstream    gets nothing$/m,
        'which is used again');
    spew('share.json', slurp("$ROOT/t/cases/meetings.json") =~ s/"upstream_answers"/"nothing"/gr);
    like((run('explain', 'share.json', '--id', 'SB-12-both', '--step', '1'))[1],
        qr{^upstream    POST \S+/myOnlineMeetings\n.*^upstream    POST \S+/c7a1/messaging/messages\n.*https://meeting\.example/join.*^client      409$}ms,
        'what would be asked');
}
done_testing();
