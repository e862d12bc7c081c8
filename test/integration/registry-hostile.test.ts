/** Requests nobody would write on purpose: every answer is one of the specification, none is a failure of the server. */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { callsTo, manifestOf } from './registry-calls.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

const EMPTY = Buffer.from('{}');
const MANIFEST = manifestOf(EMPTY, []);

let registry: TestRegistry;
let failures: string[];
before(async () => {
  failures = [];
  const error = (message: string, fields?: object): void => void failures.push(`${message} ${JSON.stringify(fields)}`);
  registry = await startRegistry({
    limits: { manifestBytes: 10_000, blobBytes: 10_000 },
    log: { debug() {}, info() {}, warn() {}, error },
  });
  const { pushBlob, putManifest } = callsTo(registry.url);
  await pushBlob('a', EMPTY);
  await putManifest('a', 'v1', MANIFEST);
});
after(() => registry.close());

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const send = ({ method, path, headers, body }: Sent) =>
  new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const [host, port] = registry.host.split(':');
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request({ host, port, method, path, headers: { ...headers, ...length }, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('latin1').on('data', (data) => {
        text += data;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });

const name = fc.oneof(
  fc.constantFrom('a', 'a/b', 'A', '-a', 'a//b', '..', '%2e%2e/a', 'a%2fb', 'a%00', '%E0%A4', 'n'.repeat(300)),
  fc.stringMatching(/^[a-z0-9._/-]{1,20}$/),
);
const digest = fc.constantFrom(
  digestOf(EMPTY),
  digestOf(MANIFEST),
  digestOf('none'),
  encodeURIComponent(digestOf(EMPTY)),
  `sha512:${'0'.repeat(128)}`,
  'sha256:short',
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  `SHA256:${'A'.repeat(64)}`,
);
const reference = fc.oneof(digest, fc.constantFrom('v1', '.v1', 't'.repeat(129), 'v1%0a', '__proto__', 'constructor'));
const value = fc.oneof(
  fc.constantFrom('', '0', '-1', '1', '99999999999999999999', 'NaN', '1e3', '0x10', '%', 'a&b', '__proto__'),
  digest,
  name,
);
const query = fc
  .array(fc.tuple(fc.constantFrom('n', 'last', 'digest', 'mount', 'from', 'tag', 'artifactType', 'x'), value), {
    maxLength: 4,
  })
  .map((pairs) =>
    pairs.length === 0 ? '' : `?${pairs.map(([key, text]) => `${key}=${encodeURIComponent(text)}`).join('&')}`,
  );
const path = fc
  .tuple(
    name,
    fc.oneof(
      reference.map((text) => `manifests/${text}`),
      digest.map((text) => `blobs/${text}`),
      digest.map((text) => `referrers/${text}`),
      fc.constantFrom(
        'tags/list',
        'blobs/uploads/',
        'blobs/uploads',
        'blobs/uploads/no-such',
        'blobs/uploads/../..',
        '',
      ),
    ),
    query,
  )
  .map(([repository, rest, more]) => `/v2/${repository}/${rest}${more}`);
const header = fc.oneof(
  fc.tuple(
    fc.constant('range'),
    fc.constantFrom('bytes=0-', 'bytes=5-1', 'bytes=-', 'bytes=-0', 'bytes=9-', 'bytes=0-0,1-1', 'x', 'bytes=1e9-'),
  ),
  fc.tuple(fc.constant('content-range'), fc.constantFrom('0-1', '1-0', 'bytes 0-1/2', '99999999999999999999-1', 'x')),
  fc.tuple(
    fc.constantFrom('if-match', 'if-none-match', 'if-range'),
    fc.constantFrom('*', '"', `"${digestOf(EMPTY)}"`, 'W/"x"'),
  ),
  fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom(MediaType.manifest, MediaType.index, 'text/html', '', 'application/json; charset=utf-8', 'x'),
  ),
  fc.tuple(fc.constant('accept'), fc.constantFrom('text/html', '*/*')),
);
const sent: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'),
  path,
  headers: fc.array(header, { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  body: fc.option(
    fc.constantFrom('', 'x', '{}', '[]', 'null', MANIFEST, `${MANIFEST} `, 'x'.repeat(20_000), '['.repeat(9_000)),
    { nil: undefined },
  ),
});

const CODES =
  /^(?:BLOB_UNKNOWN|BLOB_UPLOAD_INVALID|BLOB_UPLOAD_UNKNOWN|DIGEST_INVALID|MANIFEST_BLOB_UNKNOWN|MANIFEST_INVALID|MANIFEST_UNKNOWN|NAME_INVALID|NAME_UNKNOWN|SIZE_INVALID|UNAUTHORIZED|DENIED|UNSUPPORTED|TOOMANYREQUESTS|PAGINATION_NUMBER_INVALID)$/;

test('any request gets an answer of the specification', async () => {
  await fc.assert(
    fc.asyncProperty(sent, async (one) => {
      const { status, headers, text } = await send(one);
      assert.ok(status >= 200 && status < 500, `${status}: ${text}`);
      assert.equal(headers['x-content-type-options'] ?? 'nosniff', 'nosniff');
      if (status < 400 || text === '') return;
      const { errors } = JSON.parse(text) as { errors?: { code: string; message: string }[] };
      // What does not decode as a URL never reaches the registry: the server around it answers.
      if (errors === undefined) return assert.match(text, /FST_ERR_BAD_URL/);
      assert.match(errors[0]?.code ?? '', CODES);
    }),
    { numRuns: 600 },
  );
  assert.deepEqual(failures, [], 'nothing was logged as a failure');
  const again = await send({ method: 'GET', path: '/v2/', headers: {}, body: undefined });
  assert.equal(again.status, 200);
});
