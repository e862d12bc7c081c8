export const OS_RELEASE = `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION="13 (trixie)"
VERSION_CODENAME=trixie
ID=debian
`;

/** One stanza of var/lib/dpkg/status. */
export function stanza(name: string, version: string, more: Readonly<Record<string, string>> = {}): string {
  const fields = {
    Package: name,
    Status: 'install ok installed',
    Maintainer: 'Debian <debian@example.org>',
    Architecture: 'amd64',
    Version: version,
    Description: name,
    ...more,
  };
  return Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

export function status(...stanzas: readonly string[]): string {
  return stanzas.join('\n');
}
