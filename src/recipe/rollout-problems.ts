import { parseCron } from './cron.ts';
import type { FleetRollout, FleetRolloutStage, FleetRolloutWindow, FleetStrategy } from './fleet-rollout-types.ts';
import type { Fleet } from './fleet-types.ts';
import type { Problem } from './problems.ts';
import { zoneProblems } from './zone-problems.ts';

type Path = readonly (string | number)[];
const problem = (path: Path, message: string): Problem => ({ path, atKey: false, message });

const SELECTORS = ['workloads', 'clusters', 'namespaces', 'zone'] as const;

/** What `rollout` and `zones` of a fleet file say that cannot be. */
export function rolloutProblems({ rollout = {}, zones = [] }: Fleet): readonly Problem[] {
  const names = new Set(zones.map(({ name }) => name));
  return [
    ...workloadProblems(rollout),
    ...strategyProblems(rollout.strategy, ['rollout', 'strategy']),
    ...windowsProblems(rollout.windows, ['rollout', 'windows']),
    ...approverProblems(rollout),
    ...stagesProblems(rollout.stages ?? [], names),
    ...zoneProblems(zones, new Set((rollout.git ?? []).map(({ name }) => name))),
  ];
}

function approverProblems({ approvers = [], stages = [] }: FleetRollout): readonly Problem[] {
  const roles = approvers.flatMap((name, index) =>
    name.startsWith('role:') && name !== 'role:admin'
      ? [problem(['rollout', 'approvers', index], 'the one role is role:admin; groups are group:NAME')]
      : [],
  );
  // Groups and roles may be any number of people.
  if (approvers.length === 0 || approvers.some((name) => /^(?:group|role):/.test(name))) return roles;
  const people = new Set(approvers).size;
  const stuck = stages.flatMap(({ approvals = 1 }, index) =>
    approvals > people
      ? [
          problem(
            ['rollout', 'stages', index, 'approvals'],
            `rollout.approvers names ${people}: it would wait for ever`,
          ),
        ]
      : [],
  );
  return [...roles, ...stuck];
}

function workloadProblems({ workloads = [] }: FleetRollout): readonly Problem[] {
  return workloads.flatMap(({ workload, health, strategy }, index) => {
    const at = ['rollout', 'workloads', index];
    const own = strategyProblems(strategy, [...at, 'strategy']);
    if (health === undefined || !workload.startsWith('kubernetes:')) return own;
    return [...own, problem([...at, 'health'], 'a cluster goes by the probes of the workload itself; leave this out')];
  });
}

function strategyProblems(strategy: FleetStrategy | undefined, at: Path): readonly Problem[] {
  if (typeof strategy !== 'object' || !('canary' in strategy)) return [];
  const { steps } = strategy.canary;
  return steps.flatMap(({ weight }, index) => {
    const before = steps[index - 1]?.weight ?? 0;
    const place = [...at, 'canary', 'steps', index, 'weight'];
    return weight > before ? [] : [problem(place, `weights ascend: expected more than ${before}`)];
  });
}

function stagesProblems(stages: readonly FleetRolloutStage[], zones: ReadonlySet<string>): readonly Problem[] {
  const names = new Set<string>();
  const tags = new Map<string, string>();
  return stages.flatMap((stage, index) => {
    const at = ['rollout', 'stages', index];
    const { name, zone, windows, tag = name } = stage;
    const problems = [...windowsProblems(windows, [...at, 'windows'])];
    if (names.has(name)) problems.push(problem([...at, 'name'], `${name} stands twice`));
    names.add(name);
    const other = tag === '' ? undefined : tags.get(tag);
    if (other !== undefined && other !== name) {
      problems.push(problem([...at, 'tag'], `the stage ${other} moves the tag ${tag} already`));
    }
    tags.set(tag, name);
    if (tag === 'latest') problems.push(problem([...at, 'tag'], 'latest is what the image is released under'));
    if (SELECTORS.every((key) => stage[key] === undefined)) {
      problems.push(problem(at, `at least one of ${SELECTORS.join(', ')} is needed: which workloads it takes`));
    }
    if (zone !== undefined && !zones.has(zone)) problems.push(problem([...at, 'zone'], `there is no zone ${zone}`));
    return problems;
  });
}

function windowsProblems(windows: readonly FleetRolloutWindow[] = [], at: Path): readonly Problem[] {
  return windows.flatMap((window, index) => windowProblems(window, [...at, index]));
}

function windowProblems({ days, from, to, cron, duration, timeZone }: FleetRolloutWindow, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (cron === undefined) {
    if (duration !== undefined) problems.push(problem([...at, 'duration'], 'only a window with "cron" has this'));
    if (days === undefined && from === undefined && to === undefined) {
      problems.push(problem(at, 'one of "days", "from", "to" and "cron" is needed'));
    }
    if (from !== undefined && from === to) {
      problems.push(problem([...at, 'to'], 'it ends as it begins; leave out both for whole days'));
    }
  } else {
    if (days !== undefined || from !== undefined || to !== undefined) {
      problems.push(problem(at, '"cron" goes with "duration", not with "days", "from" and "to"'));
    }
    if (duration === undefined) problems.push(problem(at, 'the key "duration" is missing: how long it lasts'));
    if (parseCron(cron) === undefined) {
      problems.push(problem([...at, 'cron'], 'expected five fields: minute, hour, day, month, day of week'));
    }
  }
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    problems.push(problem([...at, 'timeZone'], `no time zone ${JSON.stringify(timeZone)} is known`));
  }
  return problems;
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined;
  } catch {
    return false;
  }
}
