import { createHash } from 'node:crypto';

/**
 * deb-systemd-helper of init-system-helpers 1.60 (bullseye), and 1.65.2 to 1.69+nmu3 (bookworm to forky), by SHA-256:
 * what they ask of their modules is known.
 */
const KNOWN = new Set([
  'ff5c494922224cf488b1bcbfb2e8edace268f6b043bfc491733db62606ecadbe',
  'a895d5f077651960b6ca4ed9c53f8b36eae422ae170f61c972d0c6579e9f8732',
]);

/**
 * Of 36 ms that a run of deb-systemd-helper takes, 28 are spent compiling five modules of which it uses six functions.
 * These are the functions, as their manual pages have them (File::Path, File::Basename, File::Temp, Getopt::Long);
 * options that are not understood here are left to the real module, and with debugging on the real ones are loaded.
 */
const FUNCTIONS = String.raw`#!/usr/bin/perl
BEGIN {
  package Heraklit::Functions;
  my %functions = (
    'File/Path.pm' => { make_path => \&make_path },
    'File/Basename.pm' => { basename => \&basename, dirname => \&dirname },
    'File/Temp.pm' => { tempfile => \&tempfile },
    'Getopt/Long.pm' => { GetOptions => \&options },
    'Data/Dumper.pm' => {},
  );
  sub basename { my ($path) = @_; $path =~ s{(?<=.)/+\z}{}s; $path =~ s{\A.*/(?=.)}{}s; return $path }
  sub dirname {
    my ($path) = @_;
    $path =~ s{(?<=.)/+\z}{}s;
    return '.' unless $path =~ s{/[^/]*\z}{}s;
    $path =~ s{/+\z}{};
    return $path eq '' ? '/' : $path;
  }
  sub make_path {
    my ($path) = @_;
    return if -d $path;
    my $parent = dirname($path);
    make_path($parent) unless $parent eq $path;
    mkdir $path, 0777 or -d $path or die "mkdir $path: $!";
  }
  sub tempfile {
    my ($template, %option) = @_;
    for my $try (1 .. 256) {
      my $name = "$option{DIR}/" . ($template =~ s/X/('a' .. 'z')[rand 26]/ger) . $option{SUFFIX};
      my $file;
      # O_RDWR, O_CREAT, O_EXCL; EEXIST
      return ($file, $name) if sysopen($file, $name, 0302, 0600);
      die "tempfile in $option{DIR}: $!" unless $! == 17;
    }
    die "tempfile in $option{DIR}: too many";
  }
  sub options {
    my %action = @_;
    if (grep { /\A-/ && !(/\A--(.*)/s && $action{$1}) } @ARGV) {
      delete $INC{'Getopt/Long.pm'};
      delete $Getopt::Long::{import};
      require Getopt::Long;
      return Getopt::Long::GetOptions(@_);
    }
    my @rest;
    for (@ARGV) {
      if (!/\A--(.*)/s) { push @rest, $_; next }
      my $action = $action{$1};
      if (ref $action eq 'CODE') { $action->($1, 1) } else { $$action = 1 }
    }
    @ARGV = @rest;
    return 1;
  }
  unless ($ENV{_DEB_SYSTEMD_HELPER_DEBUG}) {
    for my $file (keys %functions) {
      my $functions = $functions{$file};
      $INC{$file} = __FILE__;
      *{($file =~ s{/}{::}r =~ s{\.pm\z}{}r) . '::import'} = sub {
        my $caller = caller;
        *{$caller . '::' . $_} = $functions->{$_} for keys %$functions;
      };
    }
    *Data::Dumper::Dumper = sub { '' };
  }
}
#line 1
`;

/** deb-systemd-helper with functions in place of modules; undefined for a version that is not known. */
export function withFunctions(text: string): string | undefined {
  const isKnown = KNOWN.has(createHash('sha256').update(text, 'latin1').digest('hex'));
  return isKnown ? FUNCTIONS + text : undefined;
}
