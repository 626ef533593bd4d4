package InteropJSON;

# Strict JSON for the tests, over bytes: keeps how things were spelt.
#
# Owns decoding, comparing and pointing. Knows nothing of cases or of nginx.
# Core's JSON::PP loses the order of members and the spelling of numbers, and a
# test of "judged bytes are forwarded bytes" needs both:
#   - strings are byte strings (UTF-8), \u escapes decoded;
#   - numbers are InteropJSON::Number objects that keep their text;
#   - source($value) gives the compact text that an object, array or number had.
# decode dies with "at byte N: what" where the text is not strict JSON, a
# duplicate key included.

use strict;
use warnings;
use Exporter 'import';
use Hash::Util::FieldHash qw(fieldhash);

our @EXPORT_OK = qw(decode encode source equal pointer is_number);

fieldhash my %source;    # compact text of what was decoded; goes when its value goes

sub decode {
    my ($text) = @_;
    die "no text\n" unless defined $text;
    pos($text) = 0;
    my $value = _value(\$text, 0);
    $text =~ /\G[ \t\r\n]*/gc;
    die 'at byte ' . pos($text) . ": trailing bytes\n" if pos($text) < length $text;
    return $value;
}

sub _fail { my ($t, $what) = @_; die 'at byte ' . (pos($$t) // 0) . ": $what\n" }

sub _value {
    my ($t, $depth) = @_;
    _fail($t, 'nested too deep') if $depth > 512;
    $$t =~ /\G[ \t\r\n]*/gc;
    return _string($t) if $$t =~ /\G"/gc;
    return _object($t, $depth) if $$t =~ /\G\{/gc;
    return _array($t, $depth) if $$t =~ /\G\[/gc;
    if ($$t =~ /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/gc) {
        my $text = $1;
        return bless \$text, 'InteropJSON::Number';
    }
    return bless \(my $true = 1), 'InteropJSON::Bool' if $$t =~ /\Gtrue/gc;
    return bless \(my $false = 0), 'InteropJSON::Bool' if $$t =~ /\Gfalse/gc;
    return undef if $$t =~ /\Gnull/gc;
    _fail($t, 'no value');
}

sub _object {
    my ($t, $depth) = @_;
    my (%object, @parts);
    $$t =~ /\G[ \t\r\n]*/gc;
    unless ($$t =~ /\G\}/gc) {
        while (1) {
            $$t =~ /\G[ \t\r\n]*"/gc or _fail($t, 'no member name');
            my $key = _string($t);
            _fail($t, "duplicate key \"$key\"") if exists $object{$key};
            $$t =~ /\G[ \t\r\n]*:/gc or _fail($t, 'no colon');
            $object{$key} = _value($t, $depth + 1);
            push @parts, encode($key) . ':' . encode($object{$key});
            next if $$t =~ /\G[ \t\r\n]*,/gc;
            last if $$t =~ /\G[ \t\r\n]*\}/gc;
            _fail($t, 'no comma or brace');
        }
    }
    $source{\%object} = '{' . join(',', @parts) . '}';
    return \%object;
}

sub _array {
    my ($t, $depth) = @_;
    my @array;
    $$t =~ /\G[ \t\r\n]*/gc;
    unless ($$t =~ /\G\]/gc) {
        while (1) {
            push @array, _value($t, $depth + 1);
            next if $$t =~ /\G[ \t\r\n]*,/gc;
            last if $$t =~ /\G[ \t\r\n]*\]/gc;
            _fail($t, 'no comma or bracket');
        }
    }
    $source{\@array} = '[' . join(',', map { encode($_) } @array) . ']';
    return \@array;
}

my %escape = (b => "\b", f => "\f", n => "\n", r => "\r", t => "\t",
              '"' => '"', '\\' => '\\', '/' => '/');

sub _string {
    my ($t) = @_;
    my $out = '';
    while (1) {
        if ($$t =~ /\G([^"\\\x00-\x1f]+)/gc) { $out .= $1 }
        elsif ($$t =~ /\G"/gc) { return $out }
        elsif ($$t =~ /\G\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc) {
            $out .= _utf8(0x10000 + ((hex($1) & 0x3ff) << 10) + (hex($2) & 0x3ff));
        }
        elsif ($$t =~ /\G\\u([0-9a-fA-F]{4})/gc) { $out .= _utf8(hex $1) }
        elsif ($$t =~ /\G\\(["\\\/bfnrt])/gc) { $out .= $escape{$1} }
        else { _fail($t, 'bad string') }
    }
}

sub _utf8 {
    my ($c) = @_;
    return chr $c if $c < 0x80;
    return pack 'C2', 0xc0 | $c >> 6, 0x80 | $c & 0x3f if $c < 0x800;
    return pack 'C3', 0xe0 | $c >> 12, 0x80 | $c >> 6 & 0x3f, 0x80 | $c & 0x3f if $c < 0x10000;
    return pack 'C4', 0xf0 | $c >> 18, 0x80 | $c >> 12 & 0x3f, 0x80 | $c >> 6 & 0x3f, 0x80 | $c & 0x3f;
}

my %escaped = ("\n" => '\\n', "\r" => '\\r', "\t" => '\\t', '"' => '\\"', '\\' => '\\\\');

# compact; an object or array that was decoded as it was spelt, another one with
# its keys in order; a plain scalar is a string
sub encode {
    my ($v) = @_;
    return 'null' unless defined $v;
    if (!ref $v) {
        (my $s = $v) =~ s/([\x00-\x1f"\\])/$escaped{$1} || sprintf '\\u%04x', ord $1/ge;
        return "\"$s\"";
    }
    my $kind = ref $v;
    return $$v if $kind eq 'InteropJSON::Number';
    return $$v ? 'true' : 'false' if $kind eq 'InteropJSON::Bool';
    return $source{$v} if defined $source{$v};
    return '[' . join(',', map { encode($_) } @$v) . ']' if $kind eq 'ARRAY';
    return '{' . join(',', map { encode($_) . ':' . encode($v->{$_}) } sort keys %$v) . '}';
}

sub source { return encode($_[0]) }

sub is_number { return ref $_[0] eq 'InteropJSON::Number' }

# by value: members in any order; numbers by spelling, else by worth where a
# double can tell them apart
sub equal {
    my ($x, $y) = @_;
    return !defined $x && !defined $y unless defined $x && defined $y;
    return 0 if ref $x ne ref $y;
    return $x eq $y unless ref $x;
    if (ref $x eq 'InteropJSON::Number') {
        return 1 if $$x eq $$y;
        return 0 if grep { tr/0-9// > 15 } $$x, $$y;
        return $$x == $$y;
    }
    return !$$x == !$$y if ref $x eq 'InteropJSON::Bool';
    if (ref $x eq 'ARRAY') {
        return 0 if @$x != @$y;
        equal($x->[$_], $y->[$_]) or return 0 for 0 .. $#$x;
        return 1;
    }
    return 0 if keys %$x != keys %$y;
    exists $y->{$_} && equal($x->{$_}, $y->{$_}) or return 0 for keys %$x;
    return 1;
}

# RFC 6901: (found, value)
sub pointer {
    my ($v, $path) = @_;
    return (1, $v) if $path eq '';
    for my $step (split m{/}, substr($path, 1), -1) {
        $step =~ s/~1/\//g;
        $step =~ s/~0/~/g;
        if (ref $v eq 'HASH' && exists $v->{$step}) { $v = $v->{$step} }
        elsif (ref $v eq 'ARRAY' && $step =~ /^(0|[1-9][0-9]*)$/ && $step < @$v) { $v = $v->[$step] }
        else { return (0, undef) }
    }
    return (1, $v);
}

package InteropJSON::Number;
use overload '""' => sub { ${ $_[0] } }, '0+' => sub { 0 + ${ $_[0] } }, fallback => 1;

package InteropJSON::Bool;
use overload 'bool' => sub { ${ $_[0] } }, '""' => sub { ${ $_[0] } ? 'true' : 'false' }, fallback => 1;

1;
