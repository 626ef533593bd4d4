#!/usr/bin/perl
# interopctl test: the behaviour cases in the engine alone, the repository's own
# and the shared ones where they lie beside it; and that a case that does not
# hold is told, whatever member of it is wrong.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp spew);

plan skip_all => "$CTL is not built" unless -x $CTL;

sub all_pass {
    my ($name, $file) = @_;
    my ($code, $out, $err) = run('test', $file);
    note($_) for grep { /: skipped: / } split /\n/, $out;
    is($code, 0, "$name: exit 0") or diag($out);
    is($err, '', "$name: nothing on standard error");
    like($out, qr/^[1-9]\d* passed, 0 failed(?:, \d+ skipped)?\n\z/m, "$name: some passed, none failed");
    return;
}

my @own = sort glob "$ROOT/t/cases/*.json";
cmp_ok(scalar @own, '>=', 3, 'there are cases');
all_pass(basename($_), $_) for @own;
for my $name (qw(teams-kaizala transition cross-cutting acs-teams sfb-teams kaizala-groups)) {
    my $file = "$ROOT/../shared/cases/$name.json";
    SKIP: {
        skip "../shared/cases/$name.json is not there", 3 unless -e $file;
        all_pass("shared $name", $file);
    }
}

# ----------------------------------------------------- what fails is told

my $given = '{"now": "2019-02-04T09:30:00Z",
  "tenants": [{"id": "t-1", "country": "KE"}],
  "users": [{"id": "mira", "tenant": "t-1", "systems": ["kaizala", "teams"], "linked_account": true, "reads_on": "kaizala"},
            {"id": "jonas", "tenant": "t-1", "systems": ["teams", "kaizala"], "reads_on": "teams"}],
  "conversations": [{"id": "g-1", "type": "one_on_one", "participants": ["mira", "jonas"], "started": true}]}';
my $send = '{"method": "POST", "uri": "/v1.0/chats/g-1/messages", "headers": {"content-type": "application/json", "X-Trace": "7"},
  "json": {"body": {"contentType": "text", "content": "Gate 3"}}}';

sub case {
    my ($expect, %o) = @_;
    my $api = $o{api} || 'graph';
    my $more = $o{more} || '';
    return qq([{"id": "c", "given": $given, "steps": [{"api": "$api", "sender": "jonas", "request": $send,
        "upstream_answers": [{"status": 201, "json": {"id": "m-1", "n": 1.50}}], $more "expect": $expect}]}]);
}

sub tells {
    my ($expect, $line, %o) = @_;
    spew('case.json', case($expect, %o));
    my ($code, $out) = run('test', 'case.json');
    is($out, ($line eq '' ? "1 passed, 0 failed\n" : "c step 1: $line\n0 passed, 1 failed\n"), $expect);
    is($code, $line eq '' ? 0 : 1, "exit code of $expect");
    return;
}

my $body = '{"body":{"contentType":"text","content":"Gate 3"}}';
my $header = 'deliver;rule=teams_kaizala.KT-14';
tells('{}', '');
tells('{"verdict": "deliver"}', '');
tells('{"verdict": "deny"}', "verdict: expected deny, got $header");
tells('{"verdict": "deny", "reason": "no_policy"}', "verdict: expected deny because no_policy, got $header");
tells('{"verdict": "deliver", "reason": "no_policy"}', "reason: expected no_policy, got $header");
tells('{"notices": ["interop-conversation"], "no_notices": ["use-teams"]}', '');
tells('{"notices": ["use-teams"]}', 'notice: expected use-teams, got interop-conversation');
tells('{"no_notices": ["interop-conversation"]}', 'notice: expected no interop-conversation, got interop-conversation');
tells('{"upstream": []}', 'upstream: expected 0 requests, got 1, POST /v1.0/chats/g-1/messages');
tells('{"upstream": [{}, {}]}', 'upstream: expected 2 requests, got 1, POST /v1.0/chats/g-1/messages');
tells('{"upstream": [{"method": "POST", "uri": "/v1.0/chats/g-1/messages", "same_bytes": true}]}', '');
tells('{"upstream": [{"method": "PUT"}]}', 'upstream: method: expected PUT, got POST');
tells('{"upstream": [{"uri": "/x"}]}', 'upstream: uri: expected /x, got /v1.0/chats/g-1/messages');
tells('{"upstream": [{"text": "x"}]}', "upstream: body: expected x, got $body");
tells('{"upstream": [{"json": {"body": {"content": "Gate 3", "contentType": "text"}}}]}', '');
tells('{"upstream": [{"json": {"body": {"content": "Gate 3"}}}]}', qq(upstream: json: expected {"body":{"content":"Gate 3"}}, got $body));
tells('{"upstream": [{"json_has": {"/body/content": "Gate 3", "/body/none": {"absent": true}, "/body": {"contains": ["Gate", "text"]}}}]}', '');
tells('{"upstream": [{"json_has": {"/body/content": "Gate 4"}}]}', 'upstream: /body/content: expected "Gate 4", got "Gate 3"');
tells('{"upstream": [{"json_has": {"/body/none": 1}}]}', 'upstream: /body/none: expected 1, got none');
tells('{"upstream": [{"json_has": {"/body/content": {"absent": true}}}]}', 'upstream: /body/content: expected none, got Gate 3');
tells('{"upstream": [{"json_has": {"/body/content": {"contains": ["Gate", "4"]}}}]}', 'upstream: /body/content: expected in it "4", got Gate 3');
tells('{"upstream": [{"headers": {"x-trace": "7", "interop-cross": {"absent": true}}}]}', '');
tells('{"upstream": [{"headers": {"x-trace": "8"}}]}', 'upstream: header x-trace: expected "8", got 7');
tells('{"upstream": [{"headers": {"x-trace": {"absent": true}}}]}', 'upstream: header x-trace: expected none, got 7');
tells('{"upstream": [{"headers": {"x-other": {"contains": ["8"]}}}]}', 'upstream: header x-other: expected {"contains":["8"]}, got none');
tells('{"upstream": [{"has": ["Gate 3", "X-Trace", "POST /v1.0"], "lacks": ["Gate 4"]}]}', '');
tells('{"response": {"status": 201, "json": {"n": 1.5, "id": "m-1"}, "headers": {"interop-verdict": {"contains": ["KT-14"]}}}}', '');
tells('{"response": {"status": 200}}', 'response: status: expected 200, got 201: {"id":"m-1","n":1.50}');
tells('{"response": {"code": "x"}}', 'response: code: expected x, got {"id":"m-1","n":1.50}');
tells('{"response": {"json_has": {"/n": 1.6}}}', 'response: /n: expected 1.6, got 1.50');
tells('{"response": {"headers": {"interop-verdict": {"absent": true}}}}', '', more => '"monitor": true,');
tells('{"upstream": [{"headers": {"interop-cross": {"contains": ["kaizala;verdict=deliver"]}}}]}', '', more => '"leg": "native",');

tells('{"upstream": [{"headers": {"content-length": "50"}}], "response": {"headers": {"Content-Length": "21"}}}', '');
tells('{"upstream": [{"headers": {"content-length": "48"}}]}', 'upstream: header content-length: expected "48", got 50');
tells('{"upstream": [{"json_has": {"/body/content": {"contains": [3]}}}]}', '');
tells('{"upstream": [{"json_has": {"/body/content": {"contains": [4]}}}]}', 'upstream: /body/content: expected in it 4, got Gate 3');
tells('{"upstream": [{"has": [3], "lacks": [51, null, {}]}], "response": {"lacks": [{"id": 1}, false]}}', '');
tells('{"response": {"status": 201, "lacks": [201]}, "notices": ["interop-conversation"], "no_notices": [5]}', qq(response: expected no "201" in HTTP/1.1 201\\u000d\\u000aContent-Type: application/json\\u000d\\u000aInterop-Verdict: $header\\u000d\\u000aInterop-Notice: interop-conversation\\u000d\\u000a\\u000d\\u000a{"id":"m-1","n":1.50}));
tells('{"notices": [5]}', 'notice: expected 5, got interop-conversation');
tells('{}', 'a leg is cross or native', more => '"leg": "both",');

spew('case.json', case('{"response": {"has": ["m-2"], "lacks": ["m-1"]}}'));
like((run('test', 'case.json'))[1], qr/\Ac step 1: response: expected "m-2" in HTTP\/1\.1 201.*\nc step 1: response: expected no "m-1" in .*\n0 passed, 1 failed\n\z/,
    'has and lacks of a response');

# ------------------------------------------------------------- the runner

spew('case.json', case('{}', api => 'nowhere'));
is(join('', (run('test', 'case.json'))[0, 1]), "0c: skipped: the policy does not define the API nowhere\n0 passed, 0 failed, 1 skipped\n",
    'a case for another API is skipped, with the reason');
spew('case.json', '[{"id": "c", "given": {"users": [{"systems": []}]}, "steps": []}]');
is(join('', (run('test', 'case.json'))[0, 1]), qq(1c: member "id" is missing\n0 passed, 1 failed\n), 'what is given must be records');
spew('case.json', "[\n  {\"id\": }\n]");
like(join('', (run('test', 'case.json'))[0, 2]), qr/\A2interopctl: case\.json:2:10: not valid JSON: unexpected character.*\n\z/, 'a file that is no JSON');
spew('case.json', '{}');
is(join('', (run('test', 'case.json'))[0, 2]), "2interopctl: case.json: not an array of cases\n", 'a file that is no list of cases');
is(join('', (run('test', 'none.json'))[0, 2]), "2interopctl: none.json: No such file or directory\n", 'a file that is not there');
is(join('', (run('test', '--policy', 'none', $own[0]))[0, 2]), "1interopctl: none: No such file or directory\n", 'a policy that is not there');

spew('case.json', case('{}') =~ s/"2019-02-04T09:30:00Z"/1549272600/r);
is((run('test', 'case.json'))[1], "1 passed, 0 failed\n", 'now in seconds');
for my $now ('"yesterday"', '[]', '1.5', 'null') {
    spew('case.json', case('{}') =~ s/"2019-02-04T09:30:00Z"/$now/r);
    is((run('test', 'case.json'))[1], qq(c step 1: "now" is not a time\n0 passed, 1 failed\n), "now is $now");
}
spew('case.json', '[]');
is(join('', run('test', 'case.json')), "00 passed, 0 failed\n", 'an empty list');
is(join('', (run('test', '--only', 'nobody%s*', $own[0]))[0, 2]), "2interopctl test: no case nobody%s*\n"
    . "  interopctl test --help tells how\n", '--only finds none');

my ($id) = slurp($own[0]) =~ /"id": "([^"]+)"/;
like((run('test', '--only', $id, $own[0]))[1], qr/^1 passed, 0 failed\n\z/m, '--only runs one');
like((run('test', '--verbose', '--only', $id, $own[0]))[1], qr/\A\Q$id\E: passed: /, '--verbose tells it');
done_testing();
