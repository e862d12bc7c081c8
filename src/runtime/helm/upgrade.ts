import type { HelmRelease } from './release.ts';
import { setString, type ValuePath } from './values.ts';

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
  /** Milliseconds. */
  readonly timeout: number;
}

const at = (target: HelmTarget): readonly string[] => [
  ...(target.kubeconfig === undefined ? [] : ['--kubeconfig', target.kubeconfig]),
  ...(target.context === undefined ? [] : ['--kube-context', target.context]),
];

const seconds = (milliseconds: number): string => `${Math.max(1, Math.ceil(milliseconds / 1_000))}s`;

/** `helm upgrade`, waited for; going back is ours, since the flag for it has another name in Helm 4. */
export function upgradeWords(
  { release, chart, version, set, timeout }: UpgradeWords,
  target: HelmTarget,
): readonly string[] {
  return [
    ...['upgrade', release.name, chart, '--namespace', release.namespace, '--reuse-values'],
    ...(version === undefined ? [] : ['--version', version]),
    ...set.flatMap(([path, text]) => ['--set-string', setString(path, text)]),
    ...['--output', 'json', '--wait', '--timeout', seconds(timeout)],
    ...at(target),
  ];
}

/** The same without a change: what it would make is in the answer. */
export const simulateWords = (upgrade: UpgradeWords, target: HelmTarget): readonly string[] => [
  ...upgradeWords(upgrade, target).filter((word) => word !== '--wait'),
  '--dry-run',
];

export function rollbackWords(
  { release, timeout }: Pick<UpgradeWords, 'release' | 'timeout'>,
  target: HelmTarget,
): readonly string[] {
  return [
    ...['rollback', release.name, String(release.revision), '--namespace', release.namespace],
    ...['--wait', '--timeout', seconds(timeout)],
    ...at(target),
  ];
}
