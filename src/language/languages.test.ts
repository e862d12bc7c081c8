import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packagesIn } from './testing/read-files.ts';

test('Ruby: specifications of installed gems and Gemfile.lock', async () => {
  const installed = `# -*- encoding: utf-8 -*-
# stub: nokogiri 1.15.4 x86_64-linux lib

Gem::Specification.new do |s|
  s.name = "nokogiri".freeze
  s.version = "1.15.4"
`;
  const folder = 'usr/local/bundle/specifications';
  assert.deepEqual(await packagesIn(`${folder}/nokogiri-1.15.4-x86_64-linux.gemspec`, installed), [
    'gem nokogiri 1.15.4',
  ]);
  const plain = `Gem::Specification.new do |s|\n  s.name = %q{rake}\n  s.version = Gem::Version.new("13.0.6")\n`;
  assert.deepEqual(await packagesIn(`${folder}/default/rake-13.0.6.gemspec`, plain), ['gem rake 13.0.6']);
  assert.deepEqual(await packagesIn(`${folder}/net-http-0.3.2.gemspec`, 'x'), ['gem net-http 0.3.2']);
  assert.deepEqual(await packagesIn('gems/rake-13.0.6/rake.gemspec', plain), []);
  const lock = `GIT
  remote: https://example.org/x.git
  specs:
    own (1.0.0)

PATH
  remote: .
  specs:
    app (0.1.0)

GEM
  remote: https://rubygems.org/
  specs:
    actionpack (7.0.4)
      rack (~> 2.0, >= 2.2.0)
    nokogiri (1.15.4-x86_64-linux)
    nokogiri (1.15.4-arm64-darwin)

DEPENDENCIES
  actionpack
`;
  assert.deepEqual(await packagesIn('Gemfile.lock', lock), [
    'gem own 1.0.0 declared',
    'gem actionpack 7.0.4 declared',
    'gem nokogiri 1.15.4 declared',
  ]);
});

test('PHP: what Composer installed, in both forms, and its lock file', async () => {
  const packages = [
    { name: 'symfony/console', version: 'v6.3.0' },
    { name: 'phpunit/phpunit', version: '10.1.0' },
    { name: 'ext-json', version: '1' },
  ];
  const path = 'app/vendor/composer/installed.json';
  assert.deepEqual(await packagesIn(path, JSON.stringify({ packages, 'dev-package-names': ['phpunit/phpunit'] })), [
    'composer symfony/console v6.3.0',
    'composer phpunit/phpunit 10.1.0 dev',
  ]);
  assert.equal((await packagesIn(path, JSON.stringify(packages))).length, 2);
  assert.deepEqual(await packagesIn('app/installed.json', JSON.stringify(packages)), []);
  assert.deepEqual(
    await packagesIn('composer.lock', JSON.stringify({ packages: [packages[0]], 'packages-dev': [packages[1]] })),
    ['composer symfony/console v6.3.0 declared', 'composer phpunit/phpunit 10.1.0 declared dev'],
  );
});

test('.NET: published libraries and lock files', async () => {
  const libraries = {
    'App/1.0.0': { type: 'project' },
    'Newtonsoft.Json/13.0.3': { type: 'package', serviceable: true },
    broken: { type: 'package' },
  };
  assert.deepEqual(await packagesIn('app/App.deps.json', JSON.stringify({ libraries })), [
    'nuget Newtonsoft.Json 13.0.3',
  ]);
  const entry = { type: 'Direct', requested: '[13, )', resolved: '13.0.3' };
  const dependencies = {
    'net8.0': { 'Newtonsoft.Json': entry, own: { type: 'Project' } },
    'net8.0/linux-x64': { 'Newtonsoft.Json': entry },
  };
  assert.deepEqual(await packagesIn('app/packages.lock.json', JSON.stringify({ dependencies })), [
    'nuget Newtonsoft.Json 13.0.3 declared',
  ]);
});

test('Perl: perllocal.pod, of which the last entry of a module counts, and what cpanm keeps', async () => {
  const entry = (version: string) => `=head2 Mon Jan  1 00:00:00 2024: C<Module> L<Foo::Bar|Foo::Bar>

=over 4

=item *

C<installed into: /usr/local/share/perl/5.36.0>

=item *

C<VERSION: ${version}>

`;
  assert.deepEqual(await packagesIn('usr/local/lib/perl/perllocal.pod', entry('1.0') + entry('1.1')), [
    'cpan Foo-Bar 1.1',
  ]);
  const meta = { name: 'Foo::Bar', version: '1.23', dist: 'Foo-Bar-Baz-1.23', pathname: 'A/AU/AUTHOR/x.tar.gz' };
  assert.deepEqual(await packagesIn('perl/.meta/Foo-Bar-Baz-1.23/install.json', JSON.stringify(meta)), [
    'cpan Foo-Bar-Baz 1.23',
  ]);
});

test('R: installed packages, not R itself nor sources', async () => {
  const description = (more: string) => `Package: dplyr\nVersion: 1.1.4\nTitle: x\n${more}`;
  const path = 'usr/local/lib/R/site-library/dplyr/DESCRIPTION';
  assert.deepEqual(await packagesIn(path, description('Built: R 4.3.2; ; 2024-01-01; unix\n')), ['cran dplyr 1.1.4']);
  assert.deepEqual(await packagesIn(path, description('')), []);
  assert.deepEqual(await packagesIn(path, description('Priority: base\nBuilt: R 4.3.2\n')), []);
});

test('Erlang and Elixir: applications of packages, and mix.lock', async () => {
  const app = (name: string) => `{application,${name},\n [{description,"x"},\n {vsn,"2.9.0"},{modules,[]}]}.\n`;
  assert.deepEqual(await packagesIn('app/lib/cowboy-2.9.0/ebin/cowboy.app', app('cowboy')), ['hex cowboy 2.9.0']);
  assert.deepEqual(await packagesIn('usr/lib/erlang/lib/kernel-9.0/ebin/kernel.app', app('kernel')), []);
  const lock = `%{\n  "cowboy": {:hex, :cowboy, "2.9.0", "865d", [:make, :rebar3], [], "hexpm", "2c72"},\n  "x": {:git, "https://x", "0", []},\n}\n`;
  assert.deepEqual(await packagesIn('mix.lock', lock), ['hex cowboy 2.9.0 declared']);
});

test('Rust: Cargo.lock without the workspace’s own packages', async () => {
  const lock = `version = 3\n[[package]]\nname = "app"\nversion = "0.1.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.197"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n`;
  assert.deepEqual(await packagesIn('Cargo.lock', lock), ['cargo serde 1.0.197 declared']);
});

test('hostile layout costs no more than a look at it', { timeout: 60_000 }, async () => {
  assert.deepEqual(await packagesIn('specifications/a-1.gemspec', '\n'.repeat(1_000_000)), ['gem a 1']);
  assert.deepEqual(await packagesIn('yarn.lock', `"${'a@'.repeat(1_000_000)}`), []);
  assert.deepEqual(await packagesIn('x.dist-info/METADATA', `Name${' '.repeat(1_000_000)}`), []);
  assert.deepEqual(await packagesIn('pnpm-lock.yaml', `packages:\n  ${'a:'.repeat(1_000_000)}`), []);
});
