import { basename } from 'node:path';
import type { ApkFile } from '../../../distro/index.ts';
import { readSource } from '../recipe-files.ts';
import type { ComposeRequest } from '../types.ts';
import type { FillInput } from './types.ts';

/**
 * etc/apk/repositories and etc/apk/keys for the recipe's own repositories, where the image has an apk that would read
 * them. The distribution's are not among them: which mirror a build went by must not decide what comes out.
 */
export async function sourceFiles(
  { recipe, directory, confine }: ComposeRequest,
  { base, packages, epoch }: Pick<FillInput, 'base' | 'packages' | 'epoch'>,
): Promise<readonly ApkFile[]> {
  const { repositories = [] } = recipe;
  const hasApk = [...base.records, ...packages.map(({ item }) => item)].some(({ name }) => name === 'apk-tools');
  if (!hasApk || repositories.length === 0) return [];
  const file = (path: string, content: Buffer): ApkFile => ({
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: content.length, mtime: epoch, content },
  });
  const before = await base.files(new Set(['etc/apk/repositories']));
  const kept = Buffer.from(before.get('etc/apk/repositories') ?? '')
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
  const lines = repositories.map(({ url, tag }) => `${tag === undefined ? '' : `@${tag} `}${url.replace(/\/+$/, '')}`);
  const text = [...new Set([...kept, ...lines])].map((line) => `${line}\n`).join('');
  const keys = repositories.flatMap(({ keyring }) => keyring ?? []);
  return [
    file('etc/apk/repositories', Buffer.from(text)),
    ...(await Promise.all(
      keys.map(async (key) => file(`etc/apk/keys/${basename(key)}`, await readSource(key, directory, confine))),
    )),
  ];
}
