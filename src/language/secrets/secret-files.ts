import type { ContentReader, Json } from '../types.ts';

export type SecretKind =
  | 'private-key'
  | 'encrypted-private-key'
  | 'registry-password'
  | 'npm-token'
  | 'password'
  | 'aws-key'
  | 'token';

/** Where in a file a secret stands; what it says is kept nowhere. */
export interface FoundSecret {
  readonly kind: SecretKind;
  /** From 1. */
  readonly line: number;
}

/** Bytes of a file that is looked at: keys and credentials have a few thousand. */
const LIMIT = 256 * 1024;
const MAX_SECRETS = 20;

interface Rule {
  readonly kind: SecretKind;
  readonly files: RegExp;
  readonly line: RegExp;
}

const ANY = /./;
const RULES: readonly Rule[] = [
  { kind: 'encrypted-private-key', files: ANY, line: /^-----BEGIN ENCRYPTED PRIVATE KEY-----/ },
  { kind: 'private-key', files: ANY, line: /^-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|PGP) )?PRIVATE KEY(?: BLOCK)?-----/ },
  {
    kind: 'npm-token',
    files: /(?:^|\/)\.npmrc$/,
    line: /^\s*(?:\/\/.*:)?_(?:authToken|auth|password)\s*=\s*(?!\$\{)\S/,
  },
  {
    kind: 'registry-password',
    files: /(?:^|\/)(?:\.docker\/config\.json|\.dockercfg|auth\.json)$/,
    line: /"(?:auth|identitytoken)"\s*:\s*"[^"]{4,}"/,
  },
  { kind: 'password', files: /(?:^|\/)[._]netrc$/, line: /(?:^|\s)password\s+\S/ },
  { kind: 'password', files: /(?:^|\/)\.pypirc$/, line: /^\s*password\s*[=:]\s*\S/ },
  { kind: 'password', files: /(?:^|\/)\.git-credentials$/, line: /^https?:\/\/[^:@/\s]+:[^@/\s]+@/ },
  { kind: 'aws-key', files: /(?:^|\/)\.aws\/credentials$/, line: /^\s*aws_secret_access_key\s*=\s*\S/ },
  {
    kind: 'token',
    files: /(?:^|\/)\.env$/,
    line: /^\s*(?:export\s+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY)[A-Z0-9_]*\s*=\s*(?!\$)["']?[^\s"'$]{4,}/i,
  },
];

/**
 * Keys and credentials that files of well-known names hold. Looked at while a layer passes, because a secret that a later
 * layer deletes is in the image all the same.
 */
export const secretFiles: ContentReader = {
  id: 'secret',
  version: 1,
  files: {
    names: [
      ...['id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', '.npmrc', '.dockercfg', 'config.json', 'auth.json', '.netrc'],
      ...['_netrc', '.pypirc', '.git-credentials', 'credentials', '.env', 'ssh_host_rsa_key', 'ssh_host_dsa_key'],
      ...['ssh_host_ecdsa_key', 'ssh_host_ed25519_key'],
    ],
    extensions: ['.pem', '.key'],
  },
  wants: ({ path, name, size }) => {
    // These names are common; only in one folder they are what they are here for.
    if (name === 'config.json' && !path.endsWith('.docker/config.json')) return 'no';
    if (name === 'credentials' && !path.endsWith('.aws/credentials')) return 'no';
    // A larger file of such a name is something else: nothing to report.
    return size > LIMIT || size < 8 ? 'no' : { kind: 'whole', limit: LIMIT };
  },
  read: ({ path }, bytes) => {
    const rules = RULES.filter((rule) => rule.files.test(path));
    const found: { readonly kind: string; readonly line: number }[] = [];
    for (const [at, line] of bytes.toString('latin1').split('\n').entries()) {
      const rule = rules.find((one) => one.line.test(line.slice(0, 1000)));
      if (rule !== undefined && found.length < MAX_SECRETS) found.push({ kind: rule.kind, line: at + 1 });
    }
    return found.length === 0 ? {} : { facts: found };
  },
};

/** What `secretFiles` said of a file; nothing for what it did not write. */
export function secretsOf(facts: Json | undefined): readonly FoundSecret[] {
  return Array.isArray(facts) ? (facts as unknown as readonly FoundSecret[]) : [];
}
