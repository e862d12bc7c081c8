import { distributionData } from '../../distro/index.ts';
import type { AptSourceFile } from '../apt-sources.ts';

/** Where dnf and zypp are told of repositories, below a root. */
export const REPO_FILES = ['etc/yum.repos.d/*', 'etc/zypp/repos.d/*'] as const;

const IS_REPO_FILE = /(?:^|\/)etc\/(?:yum\.repos\.d|zypp\/repos\.d)\/[^/]+\.repo$/;

/** Characters of a URL, and URLs of one root: what an image names is foreign. */
const MAX_URL = 2048;
const MAX_URLS = 1000;

/** One `[section]` as far as it is of use. */
interface Section {
  enabled: boolean;
  readonly urls: string[];
}

/** INI as dnf and zypp write it: a value goes on in lines that begin with a blank. */
function sectionsOf(text: string): readonly Section[] {
  const sections: Section[] = [];
  let key = '';
  for (const line of text.split('\n')) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    if (/^\[.+\]\s*$/.test(line)) {
      sections.push({ enabled: true, urls: [] });
      key = '';
      continue;
    }
    const pair = /^([a-z_]+)\s*[=:]\s*(.*?)\s*$/i.exec(line);
    if (pair?.[1] !== undefined) key = pair[1].toLowerCase();
    const value = pair?.[2] ?? line.trim();
    const section = sections.at(-1);
    if (key === 'enabled' && section !== undefined) section.enabled = !/^(?:0|false|no|off)$/i.test(value);
    if (key === 'baseurl')
      section?.urls.push(...value.split(/[\s,]+/).filter((url) => url !== '' && url.length <= MAX_URL));
  }
  return sections;
}

/** URLs of the enabled repositories; lists of mirrors name none. */
export function repoUrls(files: readonly AptSourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => IS_REPO_FILE.test(path))
    .flatMap(({ bytes }) => sectionsOf(Buffer.from(bytes).toString('utf8')))
    .flatMap(({ enabled, urls }) => (enabled ? urls : []))
    .slice(0, MAX_URLS);
}

const literally = (text: string): string => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');

/**
 * The mirror that a repository's URL lies on: `https://HOST/rocky` for `https://HOST/rocky/$releasever/BaseOS/x86_64/os`.
 * Undefined where the URL is of another layout: a third party's.
 */
export function mirrorOfRepoUrl(id: string, url: string): string | undefined {
  const clean = url.replace(/\/+$/, '');
  for (const { suite } of Object.values(distributionData(id)?.pockets ?? {})) {
    const folder = literally(suite).replaceAll('{codename}', '[^/]+').replaceAll('{architecture}', '[^/]+');
    const mirror = new RegExp(`^(.+?)/${folder}$`).exec(clean)?.[1];
    // What only dnf knows the value of leads nowhere.
    if (mirror !== undefined && !mirror.includes('$')) return mirror;
  }
  return undefined;
}
