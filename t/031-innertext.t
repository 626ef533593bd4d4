#!/usr/bin/perl
# What our reader of HTML shows against what a browser shows: every file of
# t/content/*.html through rules/content and through headless Chromium's
# innerText, in one page. Differences that are meant are in %meant below: there
# the text of ours is pinned instead. Skipped where Chromium is not installed.
use strict;
use warnings;
use utf8;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64);

# file => [why, our text]
my %meant = (
    media => ['what an object shows where it cannot be loaded is text', 'aceghikmo'],
    svg => ['no text inside foreign content is left out, and it makes no lines', 'adbxc'],
);

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{T_BUILD} || "$root/build";
my $tool = "$build/unit/content";
my @files = sort glob "$root/t/content/*.html";
my ($chromium) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH};
plan skip_all => 'Chromium is not installed' unless $chromium;
plan skip_all => "$tool is not built" unless -x $tool;

# both sides: blanks at line ends and more than one blank line do not count
sub tidy {
    my ($text) = @_;
    $text =~ s/[ \t]+$//mg;
    $text =~ s/\n{3,}/\n\n/g;
    $text =~ s/\A\s*\n//;
    $text =~ s/\n+\z//;
    return $text;
}

sub ours {
    open my $in, '-|', $tool, 'html', @_ or die "$tool: $!";
    binmode $in, ':encoding(UTF-8)';
    my $all = do { local $/; <$in> };
    return map { tidy($_) } split /\n\f\n/, $all, -1;
}

# a page whose script puts each content into a frame of its own, and the list of
# innerText, as JSON in base64, into itself
sub theirs {
    my $dir = File::Temp->newdir;
    my @contents = map {
        open my $in, '<:raw', $_ or die "$_: $!";
        my $bytes = do { local $/; <$in> };
        encode_base64($bytes, '');
    } @_;
    my $json = JSON::PP->new->encode(\@contents);
    open my $page, '>:raw', "$dir/page.html" or die $!;
    print {$page} <<"PAGE";
<!DOCTYPE html><meta charset="utf-8"><body><script>
const texts = [];
for (const base64 of $json) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const frame = document.createElement('iframe');
  document.body.append(frame);
  const doc = frame.contentDocument;
  doc.open();
  doc.write('<!DOCTYPE html><body>' + new TextDecoder().decode(bytes));
  doc.close();
  texts.push(doc.body.innerText);
  frame.remove();
}
const result = new TextEncoder().encode(JSON.stringify(texts));
let binary = '';
for (const b of result) binary += String.fromCharCode(b);
document.body.innerHTML = '<pre id="result">' + btoa(binary) + '</pre>';
</script>
PAGE
    close $page;
    open my $out, '-|', 'timeout', '60', $chromium, qw(--headless --no-sandbox --disable-gpu --disable-quic
        --no-first-run --disable-background-networking --disable-component-update --disable-sync
        --disable-dev-shm-usage), "--user-data-dir=$dir/profile", '--dump-dom', "file://$dir/page.html"
        or die "$chromium: $!";
    my $dom = do { local $/; <$out> } // '';
    close $out;
    my ($base64) = $dom =~ m{<pre id="result">([A-Za-z0-9+/=]*)</pre>};
    return unless defined $base64;
    return map { tidy($_) } @{ JSON::PP->new->utf8->decode(MIME::Base64::decode_base64($base64)) };
}

open STDERR_SAVED, '>&', \*STDERR;
open STDERR, '>', '/dev/null';
my @theirs = theirs(@files);
open STDERR, '>&', \*STDERR_SAVED;
plan skip_all => 'Chromium does not run here' unless @theirs;
my @ours = ours(@files);
binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;

for my $i (0 .. $#files) {
    my $name = basename($files[$i], '.html');
    if (my $row = $meant{$name}) {
        is($ours[$i], $row->[1], "$name: differs, for $row->[0]");
        isnt($ours[$i], $theirs[$i], "$name: and really differs");
    } else {
        is($ours[$i], $theirs[$i], $name);
    }
}
is(scalar @theirs, scalar @files, 'a text for every file');
done_testing();
