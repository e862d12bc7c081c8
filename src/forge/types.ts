export type ForgeKind = 'github' | 'gitlab' | 'gitea';

/** A GitHub, GitLab or Gitea (Forgejo) that the operator named. */
export interface Forge {
  readonly kind: ForgeKind;
  /** `https://github.com`: where its repositories are. */
  readonly url: string;
  /** Root of its API, without a slash at the end. */
  readonly api: string;
  /** Of the account that reports and opens pull requests; read for each call, so that it may be replaced. */
  readonly token?: () => Promise<string>;
  /** That its webhooks are signed with. */
  readonly webhookSecret?: () => Promise<string>;
}

/** Where the API of a forge is when nothing else is said. */
export function defaultApi(kind: ForgeKind, url: string): string {
  const { origin, hostname, pathname } = new URL(url);
  const root = `${origin}${pathname.replace(/\/+$/, '')}`;
  if (kind === 'github') return hostname === 'github.com' ? 'https://api.github.com' : `${root}/api/v3`;
  return kind === 'gitlab' ? `${root}/api/v4` : `${root}/api/v1`;
}
