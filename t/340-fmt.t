#!/usr/bin/perl
# interopctl fmt: the form that it gives, what it must not touch, and that all
# that is shipped has this form.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use InteropCtl qw($ROOT $CTL $DIR run slurp spew copy_policy);

plan skip_all => "$CTL is not built" unless -x $CTL;

sub formatted {
    my ($text) = @_;
    my $path = spew('x.rules', $text);
    my ($code, $out, $err) = run('fmt', $path);
    return $err if $code;
    my $new = slurp($path);
    my ($again, $told) = run('fmt', '--check', $path);
    is("$again:$told", '0:', 'and it stays so');
    is($out, $new eq $text ? '' : "$path\n", 'what was changed is told');
    return $new;
}

# ------------------------------------------------------------------ the form

is(formatted(<<'IN'), <<'OUT', 'blocks, tables, guards, comments');


# a comment   
system  a  {title "A";tier B;}


   system bb   { title "B"; }
table t (x.y,
  z) {
  K  K   same;   # first
# between
  L|M   *    other ;
     }
policy p between a and bb
{
    gate for message.send
       typing {

  deny  r0 when sender.f and (  recipient.f
     or recipient.g)   [T-1];
	deny r10  unless  sender.g   unknown deliver [T-2]; }
   matrix a -> bb {
      message.send text deliver [T-3];
      message.send message.reply
        gif   placeholder    r0   [T-4];
      *   *  drop r10
         when sender.f   [T-5];

  }
}
IN
# a comment
system a   { title "A";  tier B; }

system bb  { title "B"; }
table t (x.y,
         z) {
    K    K  same;  # first
    # between
    L|M  *  other;
}
policy p between a and bb {
    gate for message.send
         typing {

        deny r0   when sender.f and (recipient.f
                                     or recipient.g)  [T-1];
        deny r10  unless sender.g  unknown deliver  [T-2];
    }
    matrix a -> bb {
        message.send  text  deliver      [T-3];
        message.send message.reply
                      gif   placeholder  r0  [T-4];
        *             *     drop r10
                            when sender.f  [T-5];
    }
}
OUT

is(formatted("api g of a {\n  make m {\n   json {\"a\": 1,\n         \"b\": [ 2 ]};\n  }\n"
           . "  operation message.send POST /x {body m;}\n operation typing   PUT /x/y   { success 204; }\n}\n"),
    "api g of a {\n    make m {\n        json {\"a\": 1,\n              \"b\": [ 2 ]};\n    }\n"
  . "    operation message.send  POST  /x { body m; }\n    operation typing        PUT   /x/y { success 204; }\n}\n",
    'API definitions, JSON as it is');
is(formatted("# only a comment"), "# only a comment\n", 'a file ends with a line');
is(formatted(''), '', 'an empty file is one');
is(formatted("reason r 403 \"a  b # c\";\r\n"), "reason r  403 \"a  b # c\";\n", 'strings stay as they are');

# ---------------------------------------------------------------- wrong use

{
    my $path = spew('bad.rules', "system a { title \"A\";\n");
    my ($code, $out, $err) = run('fmt', $path);
    is($code, 1, 'a file that cannot be read');
    is($err, "interopctl: $path:1:1: the block of this statement is not closed\n  system a { title \"A\";\n  ^~~~~~\n"
        . "  hint: '}' is missing before the end of the file\n", 'is told as the compiler tells it');
    is(slurp($path), "system a { title \"A\";\n", 'and stays');
    ($code, $out, $err) = run('fmt');
    is("$code:$err", "2:interopctl fmt: which files?\n  interopctl fmt --help tells how\n", 'no file');
    $path = spew('mode.rules', "a  ;\n");
    chmod 0640, $path;
    ($code, $out) = run('fmt', '--check', $path);
    is("$code:$out", "1:$path\n", '--check tells');
    is(slurp($path), "a  ;\n", 'and changes nothing');
    run('fmt', $path);
    is(sprintf('%o', (stat $path)[2] & 07777), '640', 'a file keeps its mode');
}

# --------------------------------------------------------------- what is shipped

{
    my ($code, $out) = run('fmt', '--check', "$ROOT/conf.d");
    is($out, '', 'conf.d has this form: interopctl fmt conf.d');
    is($code, 0, 'which is good');
    run('compile', "$ROOT/conf.d", '-o', 'before.img');
    my $copy = copy_policy('mess');
    for my $file (glob "$DIR/$copy/*.rules $DIR/$copy/*/*.rules") {
        my $text = slurp($file);
        $text =~ s/^ +(?=(?!json|error)[^ "])/\t/mg;
        $text =~ s/ *$//mg;
        spew($file, $text);
    }
    run('fmt', $copy);
    my $diff = qx{diff -r '$ROOT/conf.d' '$DIR/$copy'};
    is($diff, '', 'what was pulled to the left comes back');
    run('compile', $copy, '-o', 'after.img');
    cmp_ok(length slurp("$DIR/before.img"), '>', 10_000, 'there is an image');
}

done_testing();
