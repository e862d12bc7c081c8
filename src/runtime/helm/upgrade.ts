import type { HelmRelease } from './release.ts';
import { plainValues, setString, type ValuePath } from './values.ts';

export interface HelmTarget {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Words for helm. The release's own values stay, and those of the chart too: both are of the revision that runs. */
export interface UpgradeWords {
  readonly release: Pick<HelmRelease, 'name' | 'namespace' | 'revision'>;
  /** A folder, or what helm finds it by. */
  readonly chart: string;
  readonly version?: string | undefined;
  readonly set: readonly (readonly [ValuePath, string])[];
  /** A file of values that no word can set: whole lists. */
  readonly values?: string | undefined;
  /** Revisions the cluster keeps of it. */
  readonly kept?: number;
  /** Milliseconds. */
  readonly timeout: number;
}

const at = (target: HelmTarget): readonly string[] => [
  ...(target.kubeconfig === undefined ? [] : ['--kubeconfig', target.kubeconfig]),
  ...(target.context === undefined ? [] : ['--kube-context', target.context]),
];

/** `v3.17.2+gcc0bbbd` → what it knows; undefined where it is not told. */
export interface HelmVersion {
  readonly major: number;
  readonly minor: number;
}

export function parseVersion(text: string): HelmVersion | undefined {
  const match = /^v?(\d+)\.(\d+)\./.exec(text.trim());
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

const isAtLeast = (version: HelmVersion | undefined, major: number, minor: number): boolean =>
  version !== undefined && (version.major > major || (version.major === major && version.minor >= minor));

/** Revisions that helm keeps when nobody says otherwise. */
const HISTORY = 10;

/** An operator who keeps more revisions than helm by itself shall not lose them by upgrades of ours. */
function historyWords(kept: number): readonly string[] {
  return kept <= HISTORY || process.env.HELM_MAX_HISTORY !== undefined ? [] : ['--history-max', String(kept + 1)];
}

/** A registry on this host answers plain HTTP. */
const isPlain = (chart: string): boolean => /^oci:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\//.test(chart);

const seconds = (milliseconds: number): string => `${Math.max(1, Math.ceil(milliseconds / 1_000))}s`;

/**
 * `helm upgrade`, waited for; going back is ours, since the flag for it has another name in Helm 4. What the user set stays.
 * Where helm can (3.14), the rest is as the chart has it: `--reuse-values` would keep the defaults of a chart that was before,
 * and write what the user set into the chart that the cluster keeps.
 */
export function upgradeWords(upgrade: UpgradeWords, target: HelmTarget, version?: HelmVersion): readonly string[] {
  const { release, chart, set, values, timeout, kept = 0 } = upgrade;
  return [
    ...['upgrade', release.name, chart, '--namespace', release.namespace],
    isAtLeast(version, 3, 14) ? '--reset-then-reuse-values' : '--reuse-values',
    ...(upgrade.version === undefined ? [] : ['--version', upgrade.version]),
    ...(values === undefined ? [] : ['--values', values]),
    ...plainValues(set).flatMap(([path, text]) => ['--set-string', setString(path, text)]),
    ...(isPlain(chart) ? ['--plain-http'] : []),
    ...historyWords(kept),
    ...['--output', 'json', '--wait', '--timeout', seconds(timeout)],
    ...at(target),
  ];
}

/** The same without a change: what it would make is in the answer. Asked of the server (3.13), charts may look things up. */
export const simulateWords = (upgrade: UpgradeWords, target: HelmTarget, version?: HelmVersion): readonly string[] => [
  ...upgradeWords(upgrade, target, version).filter((word) => word !== '--wait'),
  isAtLeast(version, 3, 13) ? '--dry-run=server' : '--dry-run',
];

export function rollbackWords(
  { release, timeout, kept = 0 }: Pick<UpgradeWords, 'release' | 'timeout' | 'kept'>,
  target: HelmTarget,
): readonly string[] {
  return [
    ...['rollback', release.name, String(release.revision), '--namespace', release.namespace],
    ...historyWords(kept),
    ...['--wait', '--timeout', seconds(timeout)],
    ...at(target),
  ];
}
