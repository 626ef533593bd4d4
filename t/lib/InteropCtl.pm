package InteropCtl;

# Runs interopctl for tests: a directory of one's own, exit code and both
# outputs. Owns nothing else; nginx's harness is InteropNginx.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();

our @EXPORT_OK = qw($ROOT $CTL $DIR run slurp spew copy_policy edit line_of);
our $ROOT = abs_path(dirname(abs_path(__FILE__)) . '/../..');
our $CTL = ($ENV{T_BUILD} || "$ROOT/build") . '/interopctl';
our $DIR = tempdir(CLEANUP => 1);

delete $ENV{INTEROP_STORE};

# exit code, standard output, standard error; in $DIR, or where { in => DIR } says
sub run {
    my %o = ref $_[-1] ? %{ pop() } : ();
    my @args = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        chdir($o{in} || $DIR) or die;
        open STDIN, '<', '/dev/null' or die;
        open STDOUT, '>', "$DIR/.out" or die;
        open STDERR, '>', "$DIR/.err" or die;
        exec $CTL, @args or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, slurp("$DIR/.out"), slurp("$DIR/.err"));
}

sub slurp {
    my ($path) = @_;
    open my $f, '<:raw', $path or return '';
    local $/;
    return scalar(<$f>) // '';
}

sub spew {
    my ($name, $text) = @_;
    my $path = $name =~ m{^/} ? $name : "$DIR/$name";
    open my $f, '>:raw', $path or die "$path: $!";
    print {$f} $text;
    close $f or die "$path: $!";
    return $path;
}

# the policy pack as $DIR/NAME
sub copy_policy {
    my ($name) = @_;
    system('cp', '-r', "$ROOT/conf.d", "$DIR/$name") == 0 or die 'cp';
    return $name;
}

# changes a file of $DIR (with: a text, or a sub that is given what matched);
# dies where the pattern is not there
sub edit {
    my ($name, $pattern, $with) = @_;
    my $text = slurp("$DIR/$name");
    $text =~ s/($pattern)/ref $with ? $with->($1) : $with/e or die "$name has no $pattern";
    spew($name, $text);
    return;
}

# number of the first line of a file of $DIR with this in it
sub line_of {
    my ($name, $pattern) = @_;
    my $n = 0;
    for my $line (split /\n/, slurp("$DIR/$name")) {
        $n++;
        return $n if $line =~ /$pattern/;
    }
    die "$name has no $pattern";
}

1;
