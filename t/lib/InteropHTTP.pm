package InteropHTTP;

# HTTP/1.1 as bytes, for the tests: requests and responses, a client connection
# and an upstream that records what it got.
#
# Knows nothing of nginx's life (InteropNginx) but its event loop. Nothing is
# normalised: what was received is kept as `raw`, byte for byte.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);

# { name => value | [values] } or [ [name, value], ... ] to the latter
sub header_list {
    my ($h) = @_;
    return $h || [] if ref $h ne 'HASH';
    return [ map { my $n = $_; map { [ $n, $_ ] } ref $h->{$n} eq 'ARRAY' ? @{ $h->{$n} } : $h->{$n} } sort keys %$h ];
}

sub format_request {
    my ($method, $target, $headers, $body, %o) = @_;
    my $list = header_list($headers);
    my %given = map { lc $_->[0] => 1 } @$list;
    my $head = "$method $target HTTP/1.1\r\n";
    $head .= "Host: $o{host}\r\n" unless $given{host};
    $head .= "$_->[0]: $_->[1]\r\n" for @$list;
    $head .= "Connection: close\r\n" if $o{close} && !$given{connection};
    if (defined $body && !$given{'transfer-encoding'} && !$given{'content-length'}) {
        if ($o{chunked}) {
            $head .= "Transfer-Encoding: chunked\r\n";
            # pieces of many sizes, so that no token of the body is sure to be whole
            my ($out, $at, $size) = ('', 0, 1);
            while ($at < length $body) {
                my $piece = substr $body, $at, $size;
                $out .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
                $at += $size;
                $size = $size * 3 % 1021 + 1;
            }
            $body = $out . "0\r\n\r\n";
        } else {
            $head .= 'Content-Length: ' . length($body) . "\r\n";
        }
    }
    return "$head\r\n" . ($body // '');
}

# name => value of a head's lines; repeated ones joined by ", " as HTTP says
sub parse_headers {
    my ($lines) = @_;
    my %h;
    for (split /\r?\n/, $lines) {
        my ($n, $v) = /^([^:]+):[ \t]*(.*?)[ \t]*$/ or next;
        $n = lc $n;
        $h{$n} = exists $h{$n} ? "$h{$n}, $v" : $v;
    }
    return \%h;
}

# bytes after a head: (body, rest) or () when it is not all there
sub take_body {
    my ($h, $bytes, %o) = @_;
    return ('', $bytes) if $o{none};
    if (lc($h->{'transfer-encoding'} // '') eq 'chunked') {
        my ($body, $at) = ('', 0);
        while (substr($bytes, $at) =~ /^([0-9a-fA-F]+)[^\r\n]*\r\n/) {
            my ($size, $skip) = (hex $1, length $&);
            return if length $bytes < $at + $skip + $size + 2;
            $body .= substr $bytes, $at + $skip, $size;
            $at += $skip + $size + 2;
            return ($body, substr $bytes, $at) if $size == 0;
        }
        return;
    }
    if (defined $h->{'content-length'}) {
        my $n = $h->{'content-length'};
        return if length $bytes < $n;
        return (substr($bytes, 0, $n), substr $bytes, $n);
    }
    return ('', $bytes) unless $o{to_end};
    return $o{end} ? ($bytes, '') : ();
}

# one response out of bytes; interim ones (100) are passed over
sub parse_response {
    my ($bytes, $end, %o) = @_;
    my $interim = '';
    while ($bytes =~ /\A(HTTP\/\S+ (1\d\d)\b.*?\r\n\r\n)/s && $2 != 101) {
        $interim .= $1;
        $bytes = substr $bytes, length $1;
    }
    $bytes =~ /\A(HTTP\/\S+ (\d+)[^\r\n]*)\r\n((?:[^\r\n][^\n]*\n)*)\r\n/ or return;
    my ($line, $status, $lines, $skip) = ($1, $2, $3, length $&);
    my $h = parse_headers($lines);
    my $none = $o{head} || $status == 204 || $status == 304 || $status == 101;
    my $h2 = $line =~ /^HTTP\/2/;
    my ($body, $rest) = $h2 ? (substr($bytes, $skip), '')
        : take_body($h, substr($bytes, $skip), none => $none, to_end => 1, end => $end);
    return unless defined $body;
    return { status => $status, line => $line, headers => $h, body => $body, rest => $rest, interim => $interim,
             raw => substr($bytes, 0, length($bytes) - length $rest) };
}

# ------------------------------------------------------------- a connection

package InteropHTTP::Client;

use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Errno qw(EAGAIN EINTR EWOULDBLOCK);

sub new {
    my ($class, $loop, $port) = @_;
    my $s = IO::Socket::INET->new(Proto => 'tcp', PeerAddr => "127.0.0.1:$port", Timeout => 5)
        or die "connect to $port: $!\n";
    setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
    $s->blocking(0);
    my $self = bless { loop => $loop, s => $s, in => '', out => '', eof => 0 }, $class;
    $self->_watch;
    return $self;
}

sub _watch {
    my ($self) = @_;
    $self->{loop}->watch($self->{s},
        read => $self->{eof} ? undef : sub { $self->_read },
        write => length $self->{out} ? sub { $self->_write } : undef);
}

sub _read {
    my ($self) = @_;
    my $n = sysread $self->{s}, $self->{in}, 65536, length $self->{in};
    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    return if $n;
    $self->{eof} = 1;
    $self->_watch;
}

sub _write {
    my ($self) = @_;
    my $size = $self->{step} || length $self->{out};
    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $self->{s}, $self->{out}, $size;
    if (defined $n) { substr $self->{out}, 0, $n, '' }
    elsif ($! != EAGAIN && $! != EINTR) { $self->{out} = '' }    # closed on us: the answer tells
    $self->_watch unless length $self->{out};
}

# queues bytes; step: so many at a time, each in a packet of its own
sub send {
    my ($self, $bytes, $step) = @_;
    $self->{out} .= $bytes;
    $self->{step} = $step;
    $self->_watch;
    return $self;
}

# waits until all is sent
sub flush { my ($self) = @_; $self->{loop}->pump(sub { !length $self->{out} }, 20) }

# the next response, or one with status 0
sub response {
    my ($self, %o) = @_;
    my $r;
    $self->{loop}->pump(sub { $r = InteropHTTP::parse_response($self->{in}, $self->{eof}, %o) or $self->{eof} },
        $o{timeout} || 15);
    return { status => 0, headers => {}, body => '', raw => $self->{in}, eof => $self->{eof} } unless $r;
    $self->{in} = $r->{rest};
    return $r;
}

# true when the other side has closed
sub closed { my ($self, $timeout) = @_; return $self->{loop}->pump(sub { $self->{eof} }, $timeout || 5) }

sub received { $_[0]{in} }

sub close {
    my ($self) = @_;
    my $s = delete $self->{s} or return;
    $self->{loop}->unwatch($s);
    close $s;
}

# ------------------------------------------------------ a recording upstream

package InteropHTTP::Upstream;

use strict;
use warnings;
use IO::Socket::INET;
use Errno qw(EAGAIN EINTR);

sub new {
    my ($class, $loop) = @_;
    my $s = IO::Socket::INET->new(Proto => 'tcp', Listen => 511, LocalAddr => '127.0.0.1:0', ReuseAddr => 1)
        or die "listen: $!\n";
    $s->blocking(0);
    my $self = bless { loop => $loop, s => $s, port => $s->sockport, requests => [], answers => [], conns => {} }, $class;
    $loop->watch($s, read => sub { $self->_accept });
    return $self;
}

sub address { "127.0.0.1:$_[0]{port}" }

# what was received, in order: { method, uri, line, headers, body, raw }
sub requests { $_[0]{requests} }

sub reset { my ($self) = @_; $self->{requests} = []; $self->{answers} = []; return $self }

# Answers to come, in order: { status, headers, json | text, raw, delay,
# close => 'before' | 'within' | 'after' } or sub { request -> answer }. raw is
# sent as it is; "before" closes without an answer, "within" after half of it.
# When used up: 200 with {}, or what default() says.
sub answers { my $self = shift; push @{ $self->{answers} }, @_; return $self }

sub default { my ($self, $answer) = @_; $self->{default} = $answer; return $self }

sub _accept {
    my ($self) = @_;
    while (my $c = $self->{s}->accept) {
        $c->blocking(0);
        my $conn = { s => $c, in => '', out => '' };
        $self->{conns}{ fileno $c } = $conn;
        $self->_watch($conn);
    }
}

sub _watch {
    my ($self, $conn) = @_;
    $self->{loop}->watch($conn->{s}, read => sub { $self->_read($conn) },
        write => length $conn->{out} ? sub { $self->_write($conn) } : undef);
}

sub _read {
    my ($self, $conn) = @_;
    my $n = sysread $conn->{s}, $conn->{in}, 65536, length $conn->{in};
    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    if (!$n) {
        push @{ $self->{broken} }, $conn->{in} if length $conn->{in};
        return $self->_drop($conn);
    }
    while ($conn->{s} && $conn->{in} =~ /\A([^\r\n]*)\r\n((?:[^\r\n][^\n]*\n)*)\r\n/) {
        my ($line, $lines, $skip) = ($1, $2, length $&);
        my $h = InteropHTTP::parse_headers($lines);
        if (($h->{expect} // '') =~ /100-continue/i && !$conn->{continued}++) {
            $conn->{out} .= "HTTP/1.1 100 Continue\r\n\r\n";
            $self->_write($conn);
        }
        my ($body, $rest) = InteropHTTP::take_body($h, substr $conn->{in}, $skip);
        return unless defined $body;
        my ($method, $uri) = split / /, $line;
        my $request = { method => $method, uri => $uri, line => $line, headers => $h, body => $body,
                        raw => substr($conn->{in}, 0, length($conn->{in}) - length $rest) };
        push @{ $self->{requests} }, $request unless $self->{forget};
        $self->{count}++;
        $conn->{in} = $rest;
        $conn->{continued} = 0;
        $self->_answer($conn, $request);
    }
}

sub _answer {
    my ($self, $conn, $request) = @_;
    my $a = shift @{ $self->{answers} } // $self->{default} // {};
    $a = $a->($request) if ref $a eq 'CODE';
    return $self->_drop($conn) if ($a->{close} // '') eq 'before';
    my $bytes = $a->{raw};
    if (!defined $bytes) {
        my $status = 0 + ($a->{status} // 200);
        my $body = $a->{text} // $a->{json};
        $body //= exists $a->{status} ? '' : '{}';
        my $list = InteropHTTP::header_list($a->{headers});
        my %given = map { lc $_->[0] => 1 } @$list;
        $bytes = "HTTP/1.1 $status Answer\r\n";
        $bytes .= "Content-Type: " . (defined $a->{text} ? 'text/plain' : 'application/json') . "\r\n"
            if length $body && !$given{'content-type'};
        $bytes .= 'Content-Length: ' . length($body) . "\r\n" unless $given{'content-length'} || $status == 204 || $status == 304;
        $bytes .= "$_->[0]: $_->[1]\r\n" for @$list;
        $bytes .= "Connection: close\r\n" if ($a->{close} // '') eq 'after';
        $bytes .= "\r\n";
        $bytes .= $body unless $request->{method} eq 'HEAD' || $status == 204 || $status == 304;
    }
    $bytes = substr $bytes, 0, int(length($bytes) / 2) if ($a->{close} // '') eq 'within';
    $conn->{closing} = 1 if $a->{close};
    if ($a->{delay}) { Time::HiRes::sleep($a->{delay}) }
    $conn->{out} .= $bytes;
    $self->_write($conn);
}

sub _write {
    my ($self, $conn) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $conn->{s}, $conn->{out};
    if (defined $n) { substr $conn->{out}, 0, $n, '' }
    elsif ($! != EAGAIN && $! != EINTR) { return $self->_drop($conn) }
    return $self->_drop($conn) if $conn->{closing} && !length $conn->{out};
    $self->_watch($conn);
}

sub _drop {
    my ($self, $conn) = @_;
    my $s = delete $conn->{s} or return;
    $self->{loop}->unwatch($s);
    delete $self->{conns}{ fileno $s };
    close $s;
}

sub close {
    my ($self) = @_;
    $self->_drop($_) for values %{ $self->{conns} };
    my $s = delete $self->{s} or return;
    $self->{loop}->unwatch($s);
    close $s;
}

1;
