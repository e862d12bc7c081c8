import { layerReport } from '../../inventory/index.ts';
import type { LintHit, LintRule } from '../types.ts';
import type { ImageSubject } from './subject.ts';

const MEBIBYTE = 1024 * 1024;
/** Below this share of shown bytes, and above this much waste, an image is worth a look. */
const EFFICIENCY = 0.9;
const WASTE = 10 * MEBIBYTE;
/** Bytes of a cache that are worth a word. */
const CACHE = 64 * 1024;

/** What package managers leave behind, and how not to. */
const CACHES: readonly { readonly what: string; readonly path: RegExp; readonly instead: string }[] = [
  {
    what: 'apt package lists',
    path: /^var\/lib\/apt\/lists\/./,
    instead: 'rm -rf /var/lib/apt/lists/* in the same step',
  },
  {
    what: 'apt packages',
    path: /^var\/cache\/apt\/(?:archives\/.*\.deb|.*\.bin)$/,
    instead: 'apt-get clean in the same step',
  },
  {
    what: 'dnf and yum caches',
    path: /^var\/cache\/(?:dnf|libdnf5|yum)\/./,
    instead: 'dnf clean all in the same step',
  },
  { what: 'zypper caches', path: /^var\/cache\/zypp\/./, instead: 'zypper clean --all in the same step' },
  { what: 'apk caches', path: /^(?:var\/cache\/apk|etc\/apk\/cache)\/./, instead: 'apk add --no-cache' },
  { what: 'pacman packages', path: /^var\/cache\/pacman\/pkg\/./, instead: 'pacman -Scc in the same step' },
  { what: 'pip caches', path: /^(?:root|home\/[^/]+)\/\.cache\/pip\/./, instead: 'pip install --no-cache-dir' },
  {
    what: 'npm caches',
    path: /^(?:root|home\/[^/]+)\/\.npm\/_cacache\/./,
    instead: 'a cache mount, or npm cache clean --force',
  },
  {
    what: 'yarn caches',
    path: /^(?:usr\/local\/share\/\.cache|(?:root|home\/[^/]+)\/\.cache)\/yarn\/./,
    instead: 'a cache mount, or yarn cache clean',
  },
  { what: 'Go build caches', path: /^(?:root|home\/[^/]+)\/\.cache\/go-build\/./, instead: 'a cache mount' },
  {
    what: 'Maven repositories',
    path: /^(?:root|home\/[^/]+)\/\.m2\/repository\/./,
    instead: 'a cache mount, or a stage of its own',
  },
];

const SHELL = /^(?:usr\/)?bin\/(?:sh|bash|dash|ash|zsh|ksh|busybox)$/;
const MANAGER = /^(?:usr\/)?s?bin\/(?:apt-get|dpkg|dnf|yum|microdnf|zypper|rpm|apk|pacman|pip3?|npm)$/;

const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

/** Rules over what need not be there. */
export const SIZE_RULES: readonly LintRule<ImageSubject>[] = [
  {
    id: 'package-cache',
    severity: 'warning',
    meaning: 'A layer ships what a package manager keeps for itself. Clean up in the step that made it.',
    *check({ records }) {
      for (const { what, path, instead } of CACHES) {
        for (const { index } of records) {
          const entries = index.entries.filter((entry) => entry.type === 'file' && path.test(entry.path));
          const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
          const [first] = entries;
          if (first === undefined || bytes < CACHE) continue;
          yield {
            message: `${what}, ${mebibytes(bytes)}: ${instead}`,
            path: first.path.slice(0, first.path.lastIndexOf('/')),
            layer: index.diffId,
          };
        }
      }
    },
  },
  {
    id: 'wasted-space',
    severity: 'warning',
    meaning: 'Layers ship files that later layers overwrite or delete. Do both in one step, or copy from a stage.',
    *check({ contents }) {
      const report = layerReport(contents);
      if (report.efficiency >= EFFICIENCY || report.wastedBytes < WASTE) return;
      const worst = report.layers.reduce((a, b) => (b.wastedBytes > a.wastedBytes ? b : a));
      yield {
        message: `${mebibytes(report.wastedBytes)} of ${mebibytes(report.bytes)} are never seen, most of it in this layer`,
        layer: worst.diffId,
      };
    },
  },
  {
    id: 'shell',
    severity: 'info',
    meaning: 'The image has a shell, which an attacker has too. An image of packages alone (`scripts: none`) has none.',
    *check({ contents }) {
      const shells = [...contents.tree.keys()].filter((path) => SHELL.test(path));
      if (shells.length > 0) yield { message: shells.join(', ') };
    },
  },
  {
    id: 'package-manager',
    severity: 'info',
    meaning: 'The image has package managers, which a running container does not need.',
    *check({ contents }): Iterable<LintHit> {
      const managers = [...contents.tree.keys()].filter((path) => MANAGER.test(path));
      if (managers.length > 0) yield { message: managers.join(', ') };
    },
  },
];
