import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PEM files of a throw-away certificate authority's. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A root, and what it signs for 127.0.0.1 and localhost; made by openssl in `folder`. */
export async function certificateAuthority(folder: string): Promise<{
  readonly ca: string;
  /** @param validity arguments of `openssl x509` instead of two days from now @param alternatives subjectAltName */
  issue(name: string, validity?: readonly string[], alternatives?: string): Promise<Certificate>;
}> {
  const at = (name: string): string => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', [
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=test root',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ]);
  return {
    ca: at('ca.pem'),
    async issue(name, validity = ['-days', '2'], alternatives = 'IP:127.0.0.1,DNS:localhost') {
      const [cert, own] = [at(`${name}.pem`), at(`${name}.key`)];
      await run('openssl', ['req', ...key, '-subj', `/CN=${name}`, '-keyout', own, '-out', at(`${name}.csr`)]);
      await writeFile(at('names'), `subjectAltName=${alternatives}\n`);
      const signed = [
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-extfile',
        at('names'),
        ...validity,
      ];
      await run('openssl', ['x509', '-req', '-in', at(`${name}.csr`), '-out', cert, ...signed]);
      return { cert, key: own };
    },
  };
}
