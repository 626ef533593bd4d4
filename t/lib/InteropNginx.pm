package InteropNginx;

# Starts a real nginx with the module for one test, talks to it byte by byte,
# and plays its upstream. Core Perl only.
#
#   my $t = InteropNginx->new;
#   my $up = $t->upstream;                    # answers 200 {} until told otherwise
#   $t->conf('http { %%HTTP%% server { listen %%ADDR:web%%; location / {
#             proxy_pass http://%%UPSTREAM%%; } } }');
#   $t->start;
#   $up->answers({ status => 201, json => '{"id":"1"}' });
#   my $r = $t->request(POST => '/x', body => '{}', port => 'web');
#   is($r->{status}, 201); is($up->requests->[0]{body}, '{}');
#   $t->done_testing;                         # checks that nothing was left behind
#
# One process: the client, the upstream and the wait for nginx share one event
# loop (pump), so what upstream got is there when the answer is. Everything
# lives in a temporary directory. At the end: no [alert], [crit] or [emerg] in
# error.log (but those that allow() names), nothing from a sanitizer, no core,
# no process left. It must not know what the module does.
#
# Environment: T_BUILD (where make built), T_NGINX, T_MODULE, T_ASAN=1 (preload
# the sanitizers' runtimes), T_MODE=h2|chunked|slow (how request() sends),
# T_KEEP=1 (leave the directory), T_VERBOSE=1 (error.log at the end).

use strict;
use warnings;
use Cwd qw(abs_path);
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY SOCK_DGRAM);
use Test::More ();
use Time::HiRes qw(time sleep);
use InteropHTTP;

our $ROOT  = abs_path(dirname(__FILE__) . '/../..');
our $BUILD = abs_path($ENV{T_BUILD} || "$ROOT/build") || "$ROOT/build";
our $NGINX = $ENV{T_NGINX} || '/usr/sbin/nginx';
our $MODULE = $ENV{T_MODULE} || "$BUILD/ngx_http_interop_module.so";
our $CTL    = "$BUILD/interopctl";

my @live;

# so that END is reached and nothing is left
for my $signal (qw(INT TERM HUP PIPE)) { $SIG{$signal} ||= sub { exit 130 } }

# Skips the whole file, saying so, where nginx or the module is not there.
sub need {
    my ($class, @programs) = @_;
    my $why;
    $why = "$NGINX is not installed" unless -x $NGINX;
    $why ||= "$MODULE is not built" unless -e $MODULE;
    for my $p (@programs) {
        $why ||= "$p is not installed"
            unless $p =~ m{/} ? -x $p : grep { -x "$_/$p" } split /:/, $ENV{PATH};
    }
    return unless $why;
    die "$why\n" if $ENV{T_REQUIRE} && $why =~ /built/;    # `make test` has built it
    Test::More::plan(skip_all => $why);
}

sub new {
    my ($class, %o) = @_;
    my $dir = File::Temp::tempdir('interop-XXXXXXXX', TMPDIR => 1);
    chmod 0755, $dir;
    mkdir "$dir/$_" for qw(logs store tmp conf);
    my $self = bless { dir => $dir, ports => {}, locks => {}, upstreams => {}, allow => [],
                       fds => {}, owner => $$, %o }, $class;
    push @live, $self;
    return $self;
}

sub dir { $_[0]{dir} }
sub pid { $_[0]{pid} }

# patterns of [alert], [crit], [emerg] lines that this test means to cause
sub allow { my $self = shift; push @{ $self->{allow} }, @_; return $self }

# ------------------------------------------------------------------ ports

# A port of 127.0.0.1 that no other test takes: the UDP socket of the same
# number, held as long as the test lives, is the lock. Below the range from
# which the kernel takes the ports of outgoing connections.
sub port {
    my ($self, $name) = @_;
    return $self->{ports}{$name} if $self->{ports}{$name};
    for (1 .. 500) {
        my $port = 10000 + int rand 20000;
        my $lock = IO::Socket::INET->new(Proto => 'udp', LocalAddr => "127.0.0.1:$port") or next;
        my $free = IO::Socket::INET->new(Proto => 'tcp', Listen => 1, LocalAddr => "127.0.0.1:$port", ReuseAddr => 1)
            or next;
        close $free;
        $self->{locks}{$name} = $lock;
        return $self->{ports}{$name} = $port;
    }
    die "no free port\n";
}

# ---------------------------------------------------------- configuration

# Writes nginx.conf. %%ADDR:NAME%% is 127.0.0.1 with a port of its own,
# %%PORT:NAME%% the port, %%UPSTREAM%% or %%UPSTREAM:NAME%% a recording
# upstream's address, %%DIR%% %%ROOT%% %%BUILD%% %%MODULE%% are paths, %%HTTP%%
# what http{} needs to stay inside DIR. The main part comes by itself.
sub conf {
    my ($self, $text, %o) = @_;
    my $globals = '';
    $globals .= "user root;\n" if $> == 0;
    $globals .= "load_module $MODULE;\n" unless $o{no_module};
    $globals .= "$_\n" for @{ $o{main} || [] };
    $globals .= "daemon off;\npid $self->{dir}/nginx.pid;\n";
    $globals .= "worker_processes " . ($o{workers} || 1) . ";\n";
    $globals .= "worker_shutdown_timeout 5s;\n";
    $globals .= "error_log $self->{dir}/logs/error.log " . ($o{log} || 'info') . ";\n";
    $globals .= "events { worker_connections 1024; }\n" unless $text =~ /\bevents\s*\{/;
    return $self->write('nginx.conf', $self->expand($globals . $text));
}

sub expand {
    my ($self, $text) = @_;
    my $tmp = join '', map { "${_}_temp_path $self->{dir}/tmp/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
    my %path = (DIR => $self->{dir}, ROOT => $ROOT, BUILD => $BUILD, MODULE => $MODULE,
                HTTP => "access_log off;\nserver_tokens off;\n$tmp");
    for (1 .. 2) {
        $text =~ s/%%PORT:(\w+)%%/$self->port($1)/ge;
        $text =~ s/%%ADDR:(\w+)%%/'127.0.0.1:' . $self->port($1)/ge;
        $text =~ s/%%UPSTREAM(?::(\w+))?%%/$self->upstream($1)->address/ge;
        $text =~ s/%%([A-Z]+)%%/$path{$1} \/\/ die "unknown %%$1%%\n"/ge;
    }
    return $text;
}

sub write {
    my ($self, $name, $text) = @_;
    my $path = $name =~ m{^/} ? $name : "$self->{dir}/$name";
    open my $f, '>:raw', $path or die "$path: $!\n";
    print {$f} $text;
    close $f or die "$path: $!\n";
    return $path;
}

sub read_file {
    my ($self, $name) = @_;
    my $path = $name =~ m{^/} ? $name : "$self->{dir}/$name";
    open my $f, '<:raw', $path or return '';
    local $/;
    return scalar(<$f>) // '';
}

sub error_log { $_[0]->read_file('logs/error.log') }

# ------------------------------------------------------------ nginx itself

sub _environment {
    my ($self) = @_;
    return unless $ENV{T_ASAN};
    our $preload ||= join ' ', map { chomp(my $p = `gcc -print-file-name=$_`); $p } qw(libasan.so libubsan.so);
    $ENV{LD_PRELOAD} = $preload;
    $ENV{ASAN_OPTIONS} = "detect_leaks=0:detect_odr_violation=0:log_path=$self->{dir}/logs/asan";
    $ENV{UBSAN_OPTIONS} = "print_stacktrace=1:halt_on_error=1:log_path=$self->{dir}/logs/ubsan";
}

sub _spawn {
    my ($self, $out, @command) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $out;
    open STDERR, '>&', \*STDOUT;
    $self->_environment;
    exec { $command[0] } @command or POSIX::_exit(127);
}

# `nginx -t`: (exit status, what it said)
sub check_conf {
    my ($self) = @_;
    my $out = "$self->{dir}/check.out";
    unlink $out;
    my $pid = $self->_spawn($out, $self->_command, '-t');
    $self->wait_pid($pid, 60);
    return ($? >> 8, $self->read_file($out));
}

sub _command {
    my ($self) = @_;
    return ($NGINX, '-p', "$self->{dir}/", '-c', "$self->{dir}/nginx.conf", '-e', "$self->{dir}/logs/error.log");
}

# Starts nginx and waits until it listens and its workers are there.
sub start {
    my ($self) = @_;
    unlink "$self->{dir}/nginx.pid";
    my $pid = $self->{pid} = $self->_spawn("$self->{dir}/logs/output", $self->_command);
    my $up = $self->pump(sub { -s "$self->{dir}/nginx.pid" && $self->workers
                               || POSIX::waitpid($pid, POSIX::WNOHANG()) > 0 }, $ENV{T_ASAN} ? 60 : 20);
    return $self if $up && -s "$self->{dir}/nginx.pid" && kill 0, $pid;
    kill KILL => -$pid;
    delete $self->{pid};
    my $said = $self->read_file('logs/output') . $self->error_log;
    $self->{failed} = 1;
    die "nginx did not start:\n$said\n";
}

# pids of the workers, oldest first
sub workers {
    my ($self) = @_;
    return unless $self->{pid};
    my $text = $self->read_file("/proc/$self->{pid}/task/$self->{pid}/children");
    return grep { $self->read_file("/proc/$_/cmdline") =~ /worker process/ } split ' ', $text;
}

# resident size of a process in KiB
sub rss {
    my ($self, $pid) = @_;
    return $self->read_file("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : 0;
}

# HUP; true when new workers are there, false when the configuration was refused
sub reload {
    my ($self, %o) = @_;
    my %old = map { $_ => 1 } $self->workers;
    my $seen = length $self->error_log;
    kill HUP => $self->{pid};
    my $new = $self->pump(sub {
        (grep { !$old{$_} } $self->workers)
            || substr($self->error_log, $seen) =~ /\[emerg\]/ }, $o{timeout} || 20);
    return 0 if !$new || !grep { !$old{$_} } $self->workers;
    # with wait, until the old workers are gone
    $self->pump(sub { !grep { $old{$_} } $self->workers }, 20) if $o{wait};
    return 1;
}

sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return;
    $self->{group} = $pid;
    kill $signal || 'QUIT', $pid;
    if (!$self->wait_pid($pid, 10)) {
        $self->{unwilling} = 1;
        kill KILL => -$pid;
        $self->wait_pid($pid, 5);
    }
    return $? >> 8;
}

# kill -9 of the master and all workers at once
sub kill_all {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill KILL => -$pid;
    $self->wait_pid($pid, 10);
    $self->pump(sub { !kill 0, -$pid }, 5);
}

sub wait_pid {
    my ($self, $pid, $timeout) = @_;
    my $status;
    $self->pump(sub { waitpid($pid, POSIX::WNOHANG()) == $pid and $status = $?, 1 }, $timeout) or return 0;
    $? = $status;
    return 1;
}

# Runs a command while upstream goes on answering: (exit status, output)
sub run {
    my ($self, @command) = @_;
    my %o = ref $command[-1] ? %{ pop @command } : ();
    my $out = "$self->{dir}/run." . ++$self->{runs};
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $in = defined $o{stdin} ? $self->write("run.in", $o{stdin}) : '/dev/null';
        open STDIN, '<', $in;
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    if (!$self->wait_pid($pid, $o{timeout} || 120)) { kill KILL => $pid; $self->wait_pid($pid, 5) }
    my $status = $? >> 8 || $? & 127;
    return ($status, $self->read_file($out));
}

sub ctl { my $self = shift; return $self->run($CTL, @_) }

# ---------------------------------------------------------- the event loop

# fd => { read => sub, write => sub }; while a callback is absent its direction
# is not waited for
sub watch {
    my ($self, $socket, %on) = @_;
    $self->{fds}{ fileno $socket } = \%on;
}

sub unwatch { delete $_[0]{fds}{ fileno $_[1] } }

# Runs the loop until the condition holds; false when time is up.
sub pump {
    my ($self, $until, $timeout) = @_;
    my $end = time + ($timeout || 10);
    while (1) {
        my $got = $until->();
        return $got if $got;
        return 0 if time > $end;
        my ($r, $w) = ('', '');
        for my $fd (keys %{ $self->{fds} }) {
            vec($r, $fd, 1) = 1 if $self->{fds}{$fd}{read};
            vec($w, $fd, 1) = 1 if $self->{fds}{$fd}{write};
        }
        my $n = select $r, $w, undef, 0.002;
        next if $n <= 0;
        for my $fd (keys %{ $self->{fds} }) {
            my $on = $self->{fds}{$fd} or next;
            $on->{write}->() if $on->{write} && vec($w, $fd, 1);
            $on = $self->{fds}{$fd} or next;
            $on->{read}->() if $on->{read} && vec($r, $fd, 1);
        }
    }
}

sub upstream {
    my ($self, $name) = @_;
    $name //= 'main';
    return $self->{upstreams}{$name} ||= InteropHTTP::Upstream->new($self);
}

# ---------------------------------------------------------------- requests

sub connect {
    my ($self, $port) = @_;
    $port = $self->port($port) unless $port =~ /^\d+$/;
    return InteropHTTP::Client->new($self, $port);
}

# request(METHOD => TARGET, body =>, headers => {}, port => NAME, mode =>,
# timeout =>): { status, headers => { lower-case name => value }, body, raw }.
# A header's value may be a list. mode: h2, chunked, slow (a byte at a time).
sub request {
    my ($self, $method, $target, %o) = @_;
    my $port = $o{port} // 'web';
    $port = $self->port($port) unless $port =~ /^\d+$/;
    my $mode = $o{mode} // $ENV{T_MODE} // '';
    my $timeout = $o{timeout} || ($ENV{T_ASAN} ? 60 : 15);
    return $self->_curl($method, $target, $port, $timeout, %o) if $mode eq 'h2';
    my $c = InteropHTTP::Client->new($self, $port);
    my $bytes = InteropHTTP::format_request($method, $target, $o{headers}, $o{body},
        host => "127.0.0.1:$port", chunked => $mode eq 'chunked', close => 1);
    $c->send($bytes, $mode eq 'slow' ? 1 : 0);
    my $r = $c->response(head => $method eq 'HEAD', timeout => $timeout);
    $c->close;
    return $r;
}

# HTTP/2 in clear text by prior knowledge
sub _curl {
    my ($self, $method, $target, $port, $timeout, %o) = @_;
    my $n = ++$self->{curls};
    my @args = ('curl', '-q', '-s', '-S', '--http2-prior-knowledge', '--path-as-is', '-g', '-i',
        '-m', $timeout, '-X', $method, '-H', 'Expect:', '-H', 'Accept:');
    push @args, '-I' if $method eq 'HEAD';
    my $headers = InteropHTTP::header_list($o{headers});
    push @args, '-A', '' unless grep { lc $_->[0] eq 'user-agent' } @$headers;
    push @args, '-H', length $_->[1] ? "$_->[0]: $_->[1]" : "$_->[0];" for @$headers;
    if (defined $o{body}) {
        push @args, '-H', 'Content-Type:' unless grep { lc $_->[0] eq 'content-type' } @$headers;
        push @args, '--data-binary', '@' . $self->write("curl.$n", $o{body});
    }
    my ($status, $out, $r);
    my $seen = sub { my $n = 0; $n += $_->{count} // 0 for values %{ $self->{upstreams} }; $n };
    my $before = $seen->();
    # nginx answers what it need not read and resets the stream; curl 7.88, when
    # it gets all this at once, loses the answer (92) and is asked again
    for (1 .. 10) {
        ($status, $out) = $self->run(@args, '-o', "$self->{dir}/curl.out", "http://127.0.0.1:$port$target",
            { timeout => $timeout + 5 });
        $r = InteropHTTP::parse_response($self->read_file('curl.out'), 1);
        unlink "$self->{dir}/curl.out";
        last if $status != 92 || $seen->() != $before;
    }
    unlink "$self->{dir}/curl.$n";
    return $r if $r && $status == 0;
    return { status => 0, headers => {}, body => '', raw => $out };
}

# --------------------------------------------------------------- the end

# what is wrong, a line each; empty: nothing
sub complaints {
    my ($self) = @_;
    $self->stop if $self->{pid};
    my @wrong;
    push @wrong, 'nginx did not end by itself' if $self->{unwilling};
    my $log = $self->error_log . $self->read_file('logs/output');
    for my $line (split /\n/, $log) {
        next unless $line =~ /\[(?:alert|crit|emerg)\]|Sanitizer|runtime error:/;
        next if grep { $line =~ $_ } @{ $self->{allow} };
        push @wrong, $line;
    }
    for my $file (glob "$self->{dir}/logs/asan* $self->{dir}/logs/ubsan*") {
        push @wrong, $file, split /\n/, substr $self->read_file($file), 0, 6000;
    }
    push @wrong, "core: $_" for glob "$self->{dir}/core* $self->{dir}/logs/core*";
    push @wrong, 'a process of nginx is left' if $self->{group} && kill 0, -$self->{group};
    return @wrong;
}

# one test: nothing wrong was logged, nothing is left
sub finish {
    my ($self) = @_;
    return if $self->{finished}++;
    my @wrong = $self->complaints;
    Test::More::is(scalar @wrong, 0, 'nothing alarming logged, nothing left behind')
        or Test::More::diag(join "\n", @wrong > 40 ? @wrong[0 .. 39] : @wrong);
    $self->clean;
}

sub done_testing { $_[0]->finish; Test::More::done_testing() }

sub clean {
    my ($self) = @_;
    return if $self->{cleaned}++;
    @live = grep { $_ != $self } @live;
    Test::More::diag($self->error_log) if $ENV{T_VERBOSE};
    $_->close for values %{ $self->{upstreams} };
    $self->{upstreams} = {};
    if ($ENV{T_KEEP}) { Test::More::diag("kept: $self->{dir}") }
    else { File::Path::rmtree($self->{dir}) }
}

# A test that died or forgot: still checked, still cleaned
END {
    my $status = $?;
    for my $t (@live) {
        next if $t->{owner} != $$;
        my @wrong = $t->complaints;
        if (@wrong && !$t->{failed} && !$t->{finished}) {
            Test::More::diag($_) for @wrong;
            $status ||= 1;
        }
        $t->clean;
    }
    $? = $status;
}

require File::Path;
1;
