import { createHash } from 'node:crypto';

/**
 * The scripts of ca-certificates start some 5,000 programs in an upgrade: for each of 140 certificates a few of `sed`,
 * `grep`, `tr`, `basename`, `readlink`, `test`. One program does here ahead of each loop what it fully understands;
 * whatever it does not is left to the loop, which stays.
 */

/** By SHA-256: update-ca-certificates of 20210119, 20230311 (and bullseye's 20250419), 20250419 to 20260816. */
const UPDATES = new Set([
  '7ad4af5c16cfe26de17f76a3b2217f011a651fe1f25ed1608584765aeeffb7f9',
  '395364bffc7ce85ccbe2de71215f9c6c85c024af3bbd991c75a01c2d2aa3080a',
  '2cb06c85b5f01c4f6b72c3983d9f66d44aac0a7ac997ee55e7e429aedbc3934d',
]);
/** The postinst of 20210119 to 20250419, and of 20260816. */
const POSTINSTS = new Set([
  'bbad2df5d3c5e3d787789275830bc5b597fe6e9218a99516947a079dcae9e262',
  '5ca496dd0a0a82f3e3143062a7b775d747a223a28824048dfaca407d77929852',
]);

/** What a name may hold: shell, sed and grep take all of it as it is, but for the dot, which is looked at below. */
const PLAIN = String.raw`[0-9A-Za-z_=+:\/ ().\x80-\xff-]`;
/** No blank at the ends, which \`read\` drops, and no option. */
const NAME = `(?![ -])${PLAIN}+(?<! )`;

/** Certificates are added as the script's \`add\` does; from the first on that is odd, names are handed on. */
const ADDED_QUICKLY = String.raw`
added_quickly() {
  /usr/bin/perl -e '
    my ($folder, $links, $bundle, $added) = @ARGV;
    my @names = <STDIN>;
    my ($text, $log, $next) = ("", "", 0);
    for (@names) {
      /\A(${NAME})\n\z/ or last;
      my $certificate = "$folder/$1";
      my $name = $certificate =~ s{.*/}{}r;
      $name =~ s/(?<=.)\.crt\z//;
      $name =~ tr/ ()/_==/;
      my $link = "$links/$name.pem";
      last if $name eq "" || -d $link || !-f $certificate;
      open(my $file, "<", $certificate) or last;
      my $content = do { local $/; <$file> };
      if (!-e $link || (readlink($link) // "") ne $certificate) {
        unlink $link;
        symlink($certificate, $link) or last;
        $log .= "+$link\n";
      }
      $text .= $content;
      $text .= "\n" if $content =~ /[^\n]\z/;
      $next++;
    }
    for ([$bundle, $text], [$added, $log]) {
      next if $_->[1] eq "";
      my $file;
      open($file, ">>", $_->[0]) && print({$file} $_->[1]) && close($file) or $next = 0;
    }
    print @names[$next .. $#names];
  ' "$CERTSDIR" "$ETCCERTSDIR" "$TEMPBUNDLE" "$ADDED"
}
missing_only() { /usr/bin/perl -ne 'chomp; print "$_\n" unless -e'; }
`;

/** update-ca-certificates with two programs in place of some 900; undefined for a text that is not known. */
export function quickUpdate(text: string): string | undefined {
  if (!isOneOf(UPDATES, text)) return undefined;
  return text
    .replace(/("\$CERTSCONF" \|) (while read(?: -r)? crt\ndo\n {2}if ! test -f)/, '$1 added_quickly | $2')
    .replace(' ! -exec test -e {} \\; -print |', ' -print | missing_only |')
    .replace('\nremove() {\n', (start) => ADDED_QUICKLY + start);
}

/** What the three loops of the postinst make of the file and the two lists; fails, with nothing done, where it is odd. */
const MERGED_QUICKLY = String.raw`
merged_quickly() {
  /usr/bin/perl -e '
    my ($path, $enabled, $available) = @ARGV;
    my $name = qr/(?!!)${NAME}/;
    open(my $file, "<", $path) or exit 1;
    my @lines = <$file>;
    for (@lines) { /\A(?:!?$name|#(?:[ -\[\]-~\x80-\xff]*[!-\[\]-~\x80-\xff])?)\n\z/ or exit 1 }
    for ($enabled, $available) { /\A$name(?:, *$name)*\z/ or exit 1 }
    my @enabled = split /, */, $enabled;
    my @available = split /, */, $available;
    my $all = join "", @lines, map { "$_\n" } @enabled, @available;
    # Characters that are blanks, or none at all.
    exit 1 if $all =~ /\xc2\x85|\xe1\x9a|\xe2\x80|\xe2\x81|\xe3\x80/ || !utf8::decode(my $copy = $all);
    my %seen;
    for my $one (grep { /\./ && !$seen{$_}++ } map { /\A!?($name)\n?\z/ ? $1 : () } @lines, @enabled, @available) {
      # grep takes a dot for any character: nothing else may match.
      my $pattern = join "(?:[\\x00-\\x7f]|[\\xc2-\\xf4][\\x80-\\xbf]+)", map { quotemeta } split /\./, $one, -1;
      while ($all =~ /^!?($pattern)/mg) { $1 eq $one or exit 1 }
    }
    my %enabled = map { $_ => 1 } @enabled;
    my %available = map { $_ => 1 } @available;
    my $new = "\n";
    for my $line (@lines) {
      if ($line =~ /\A#/) { $new .= $line; next }
      my ($off, $one) = $line =~ /\A(!?)(.*)\n/;
      my $listed = $enabled{$one}
        || !$available{$one} && !$off && grep { -f "$_/share/ca-certificates/$one" } "/usr", "/usr/local";
      $new .= ($listed ? "" : "!") . "$one\n";
    }
    for (@enabled) { $new .= "$_\n" if index($new, "\n$_") < 0 }
    for (@available) { $new .= "!$_\n" unless $enabled{$_} || index($new, "\n!$_") >= 0 }
    my $out;
    open($out, ">", "$path.dpkg-new") && print({$out} substr($new, 1)) && close($out) or exit 1;
  ' /etc/ca-certificates.conf "$CERTS_ENABLED" "$CERTS_AVAILABLE"
}
`;

/** The postinst with one program in place of some 2,000; undefined for a text that is not known. */
export function quickPostinst(text: string): string | undefined {
  if (!isOneOf(POSTINSTS, text)) return undefined;
  return text
    .replace('\t  # XXX: while in subshell?\n', 'if merged_quickly; then :; else\n')
    .replace('\t  if cmp -s', 'fi\n\t  if cmp -s')
    .replace('\nmemberp() {\n', (start) => MERGED_QUICKLY + start);
}

/** Is the second one of the lines of the first? Patterns and what \`echo\` treats in its own way are left to grep. */
const HOLDS_LINE = String.raw`
holds_line() {
  case "$1$2" in *\\*) ;; *) case "$1" in -*) ;; *) case "$2" in -*) ;; *)
    case "
$1
" in *"
$2
"*) return 0 ;; *) return 1 ;; esac ;; esac ;; esac ;; esac
  (echo "$1" | grep -F -q -x "$2") > /dev/null 2>&1
}
`;
const ASKS_GREP = /\(echo "(\$CERTS_[A-Z]+)" \| grep (?:-F -q -x|-F -x -q|-Fxq) "\$crt"\) > \/dev\/null 2>&1/g;

/** The config script, which each version has with another list in it, without 300 calls of grep. */
export function quickConfig(text: string): string | undefined {
  const quick = text.replace(ASKS_GREP, 'holds_line "$1" "$crt"');
  return quick === text ? undefined : quick.replace('\nmembers()\n', (start) => HOLDS_LINE + start);
}

function isOneOf(known: ReadonlySet<string>, text: string): boolean {
  return known.has(createHash('sha256').update(text, 'latin1').digest('hex'));
}
