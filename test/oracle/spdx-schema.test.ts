/** SPDX documents against the specification's own JSON Schema, which comes in a package of the npm registry. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { buildZip } from '../../src/archive/testing/index.ts';
import { inspectImage } from '../../src/inventory/index.ts';
import { toSpdx3 } from '../../src/inventory/sbom/index.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { BOUNDED, isRegistryOut } from '../support/npm-registry.ts';

const run = promisify(execFile);
/** Ships the schema that the SPDX project generates (its $comment says so), for its own export. */
const PACKAGE = '@cyclonedx/cdxgen@12.8.4';
const SCHEMA = 'package/data/spdx-export.schema.json';

test('SPDX 3.0.1 of this machine is valid by the official schema', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'spdx-schema-'));
  try {
    const packed = await run('npm', ['pack', PACKAGE, '--ignore-scripts', '--pack-destination', folder, ...BOUNDED], {
      cwd: folder,
      timeout: 120_000,
    }).catch((error: unknown) => {
      if (isRegistryOut(error)) return undefined;
      throw error;
    });
    if (packed === undefined) return context.skip('no npm registry');
    await run('tar', ['-xzf', join(folder, packed.stdout.trim()), '-C', folder, SCHEMA]);
    const schema = JSON.parse(await readFile(join(folder, SCHEMA), 'utf8'));
    assert.equal(schema.properties['@context'].const, 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld');
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    const contents = await inspectImage({ kind: 'dir', root: '/' }, { systemOnly: true });
    const document = JSON.parse(toSpdx3(contents, { toolVersion: '1' }));
    const isValid = (value: unknown): boolean => validate(value);
    assert.ok(isValid(document), JSON.stringify(validate.errors?.slice(0, 3)));
    assert.ok(document['@graph'].length > contents.packages.length, 'every package has its element');
    // Checksums and CPE names, which packages of languages alone have.
    const jar = buildZip([
      { name: 'META-INF/maven/a/x/pom.properties', content: 'groupId=a\nartifactId=x\nversion=1\n' },
    ]);
    const java = await inspectImage(
      memoryImage([{ 'app/x-1.jar': jar.toString('latin1'), 'opt/release': 'JAVA_VERSION="17.0.15"\n' }]),
    );
    const told = toSpdx3(java, { toolVersion: '1' });
    assert.match(told, /"cpe23"[\s\S]*"sha1"|"sha1"[\s\S]*"cpe23"/);
    assert.ok(isValid(JSON.parse(told)), JSON.stringify(validate.errors?.slice(0, 3)));
    // The validator is one that can say no.
    document['@graph'][1].type = 'Nothing';
    assert.ok(!isValid(document));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
