package InteropEdge;

# One small world and one small configuration, for the tests of the module:
# two people who read in different systems, their started chat and one that is
# not, and an nginx in front of a recording upstream. Owns names and bodies, so
# that a test says only what it is about. Core Perl only.
#
#   my $t = InteropEdge->start(locations => 'location /x/ { ... }');
#   my $r = $t->teams(POST => $MESSAGES, body => $BOLD);
#
# Teams speaks at the port "web" (and "h2", HTTP/2 in clear text), Kaizala at
# "kaizala". Whoever asks is in X-User, which does not go upstream. T_POLICY is
# another policy pack than conf.d.

use strict;
use warnings;
use Exporter qw(import);
use InteropNginx;
use Test::More ();

our @ISA = qw(InteropNginx);
our @EXPORT = qw($TEXT $BOLD $CHAT $NEW $MESSAGES bold);

our ($tenant, $mira, $jonas) = map { "2b7e6a10-0000-4000-8000-0000000000$_" } qw(f1 c1 c2);
our $CHAT     = "/v1.0/chats/19:${mira}_$jonas\@unq.gbl.spaces";
our $NEW      = "/v1.0/chats/19:2b7e6a10-0000-4000-8000-0000000000d1_$jonas\@unq.gbl.spaces";
our $MESSAGES = "$CHAT/messages";
our $TEXT     = '{"body":{"contentType":"text","content":"Gate 3"}}';
our $BOLD     = '{"body":{"contentType":"html","content":"<p>Gate <b>3</b></p>"}}';

# a message in bold whose body is n bytes long, and the text that stays of it
sub bold {
    my ($n) = @_;
    my ($head, $tail) = ('{"body":{"contentType":"html","content":"<p><b>', '</b></p>"}}');
    my $text = substr 'pump seven is dry ' x ($n / 18 + 1), 0, $n - length "$head$tail";
    $text =~ s/ $/./;
    return ("$head$text$tail", $text);
}

sub world {
    my ($edition) = @_;
    $edition = $edition ? qq(,"edition":{"teams_kaizala":"$edition"}) : '';
    my $person = qq("tenant":"$tenant","systems":["kaizala","teams"],"linked_account":true);
    return join '', map { s/\n\s*//gr . "\n" } (
        qq({"kind":"tenant","id":"$tenant","country":"IN","residency":"IN","plan":"o365"$edition}),
        qq({"kind":"user","id":"mira",$person,"reads_on":"kaizala","aliases":["+919000000011","$mira"]}),
        qq({"kind":"user","id":"jonas",$person,"reads_on":"teams","aliases":["+919000000012","$jonas"]}),
        qq({"kind":"user","id":"ruth",$person,"reads_on":"kaizala",
            "aliases":["+919000000013","2b7e6a10-0000-4000-8000-0000000000d1"]}),
        qq({"kind":"conversation","id":"g7","aliases":["19:${mira}_$jonas\@unq.gbl.spaces"],"type":"one_on_one",
            "participants":["mira","jonas"],"initiated_by":"kaizala","started":true,"org_mapped":true,
            "tenant":"$tenant"}),
        qq({"kind":"conversation","id":"g8",
            "aliases":["19:2b7e6a10-0000-4000-8000-0000000000d1_$jonas\@unq.gbl.spaces"],"type":"one_on_one",
            "participants":["ruth","jonas"],"initiated_by":"kaizala","org_mapped":true,"tenant":"$tenant"}));
}

# Options: http, server (added to each block), locations, root (of location /),
# edition, facts => 0 (an empty store), store (its directive), conf (passed on),
# start => 0
sub start {
    my ($class, %o) = @_;
    $class->need('curl');
    Test::More::plan(skip_all => "$InteropNginx::CTL is not built") unless -x $InteropNginx::CTL;
    my $t = $class->new;
    $t->upstream->default({ status => 201, json => '{"id":"1549870200301"}' });
    $t->facts(world($o{edition})) unless exists $o{facts} && !$o{facts};
    $t->conf($t->front(%o), workers => 1, %{ $o{conf} || {} });
    $t->SUPER::start unless exists $o{start} && !$o{start};
    return $t;
}

sub facts {
    my ($self, $lines) = @_;
    my ($status, $said) = $self->ctl('import', '--store', "$self->{dir}/store", $self->write('facts.jsonl', $lines));
    die "facts: $said" if $status;
}

sub front {
    my ($self, %o) = @_;
    $o{$_} //= '' for qw(http server locations root);
    $o{store} //= 'interop_store %%DIR%%/store size=16m;';
    $o{policy} //= $ENV{T_POLICY} // '%%ROOT%%/conf.d';
    my $place = "$o{server}\nlocation / { proxy_pass http://%%UPSTREAM%%; $o{root} }\n$o{locations}";
    return <<"END";
http {
    %%HTTP%%
    interop_policy $o{policy};
    $o{store}
    interop_fact sender \$http_x_user;
    interop enforce;
    client_body_buffer_size 8k;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-User "";
    $o{http}
    server {
        listen %%ADDR:web%%;
        listen %%ADDR:h2%% http2;
        interop_api graph;
        $place
    }
    server {
        listen %%ADDR:kaizala%%;
        interop_api kaizala;
        $place
    }
}
END
}

sub _as {
    my ($self, $user, $port, $method, $target, %o) = @_;
    my %headers = ('X-User' => $user);
    $headers{'Content-Type'} = 'application/json' if defined $o{body};
    %headers = (%headers, %{ delete $o{headers} || {} });
    delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
    $port = 'h2' if ($o{mode} // '') eq 'h2' && $port eq 'web';
    return $self->request($method, $target, port => $port, %o, headers => \%headers);
}

sub teams   { my $self = shift; return $self->_as('jonas', 'web', @_) }
sub kaizala { my $self = shift; return $self->_as('mira', 'kaizala', @_) }

# what upstream got, and forgets it
sub got {
    my ($self) = @_;
    my @got = @{ $self->upstream->requests };
    $self->upstream->reset;
    return wantarray ? @got : $got[-1];
}

sub verdict { my ($r) = @_; return ($r->{headers}{'interop-verdict'} // '') =~ /^(\w+)/ ? $1 : '' }
sub reason  { my ($r) = @_; return ($r->{headers}{'interop-verdict'} // '') =~ /reason="?([^";]+)/ ? $1 : '' }

1;
