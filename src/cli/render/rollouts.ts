import type {
  Quarantine,
  Rollout,
  RolloutFindings,
  RolloutHistory,
  RolloutRuntimes,
  RolloutSimulation,
} from '../../http/index.ts';
import { renderTable } from './table.ts';

const minute = (at: string | null): string => (at === null ? '-' : at.slice(0, 16).replace('T', ' '));

function stateText({ state, interrupted, hold, until }: Rollout): string {
  if (interrupted) return `${state}, interrupted`;
  if (hold === null) return state;
  return until === null ? `${state} (${hold})` : `${state} (${hold} until ${minute(until)})`;
}

function stageText({ stages }: Rollout): string {
  const index = stages.findIndex(({ state }) => state === 'current');
  const done = stages.filter(({ state }) => state === 'done').length;
  return index < 0 ? `${done}/${stages.length}` : `${stages[index]?.name} (${index + 1}/${stages.length})`;
}

/** A line a rollout, and one below it for each workload that is under way or did not come through. */
export function renderRollouts(rollouts: readonly Rollout[]): string {
  if (rollouts.length === 0) return 'No rollout goes on.';
  const table = renderTable(rollouts, [
    { title: 'ROLLOUT', value: ({ id }) => String(id), align: 'right' },
    { title: 'IMAGE', value: ({ image }) => image },
    { title: 'DIGEST', value: ({ digest }) => digest.slice(0, 19) },
    { title: 'STATE', value: stateText },
    { title: 'STAGE', value: stageText },
    { title: 'SINCE', value: ({ started }) => minute(started) },
    { title: 'WHY', value: ({ reason }) => reason },
  ]);
  return [table, ...rollouts.flatMap(slotLines)].join('\n');
}

function slotLines({ id, workloads }: Rollout): readonly string[] {
  return workloads.flatMap(({ workload, container, outcome, reason, step, steps, weight }) => {
    if (outcome === 'rolledout' || outcome === 'unchanged') return [];
    const at = step === null ? (reason === '' ? 'under way' : reason) : `step ${step} of ${steps}, ${weight} %`;
    return [`  ${id}  ${workload} ${container}: ${outcome === null ? at : `${outcome}: ${reason}`}`];
  });
}

/** A line for each runtime that does not answer. */
export const renderAway = (runtimes: RolloutRuntimes['runtimes']): readonly string[] =>
  runtimes.flatMap(({ name, state, since, reason, retry }) =>
    state === 'usable' ? [] : [`Away: ${name} since ${minute(since)}, asked again at ${minute(retry)}: ${reason}`],
  );

export function renderHistory({ rollout, changes, measurements }: RolloutHistory): string {
  const { id, image, reference, cause, workloads } = rollout;
  const head = `Rollout ${id}: ${image} (${cause})\n  ${reference}`;
  const lines = changes.map(({ at, actor, state, stage, reason }) =>
    `  ${minute(at)}  ${state.padEnd(10)} ${stage}  ${actor}${reason === '' ? '' : `: ${reason}`}`.trimEnd(),
  );
  const slots = workloads.map(
    ({ workload, container, previous, outcome, reason }) =>
      `  ${workload} ${container}: ${outcome ?? 'under way'}, before ${previous}${reason === '' ? '' : `: ${reason}`}`,
  );
  return [head, ...lines, ...slots, ...measured(measurements)].join('\n');
}

/** One line for each metric of a step: how often which answer, and the last that was not good, else the last. */
function measured(measurements: RolloutHistory['measurements']): readonly string[] {
  const groups = Map.groupBy(measurements, ({ workload, step, metric }) => `  ${workload} step ${step}  ${metric}`);
  return [...groups].map(([place, all]) => {
    const count = (outcome: string): number => all.filter((one) => one.outcome === outcome).length;
    const counts = ['good', 'bad', 'inconclusive'].flatMap((outcome) =>
      count(outcome) === 0 ? [] : [`${count(outcome)} ${outcome}`],
    );
    const telling = all.findLast(({ outcome }) => outcome !== 'good') ?? all.at(-1);
    const { value = null, before = null, detail = '' } = telling ?? {};
    const numbers = value === null ? '' : ` (${value}${before === null ? '' : `, before ${before}`})`;
    return `${place}: ${counts.join(', ')}${numbers}${detail === '' ? '' : `: ${detail}`}`;
  });
}

export function renderFindings(findings: RolloutFindings['findings']): string {
  if (findings.length === 0) return 'Every workload keeps the rules of its zone.';
  return renderTable(findings, [
    { title: 'RULE', value: ({ rule }) => rule },
    { title: 'ZONE', value: ({ zone }) => zone },
    { title: 'WORKLOAD', value: ({ workload }) => workload },
    { title: 'CONTAINER', value: ({ container }) => container },
    { title: 'WHAT', value: ({ message }) => message },
  ]);
}

export function renderQuarantine({ quarantined }: Quarantine): string {
  if (quarantined.length === 0) return 'Nothing is quarantined.';
  return renderTable(quarantined, [
    { title: 'DIGEST', value: ({ digest }) => digest },
    { title: 'IMAGE', value: ({ image }) => image },
    { title: 'SINCE', value: ({ since }) => minute(since) },
    { title: 'FOUND BY', value: ({ foundBy }) => foundBy },
    { title: 'WHY', value: ({ reason }) => reason },
  ]);
}

export function renderSimulation({ image, digest, stages, unstaged, missing, refused }: RolloutSimulation): string {
  return [
    `${image} ${digest}`,
    ...stages.flatMap((stage, index) => [`${index + 1}. ${stageHead(stage)}`, ...stageLines(stage)]),
    ...unstaged.map((workload) => `No stage takes ${workload}: left alone`),
    ...missing.map((workload) => `Nobody has ${workload}: left alone`),
    ...(refused === null ? [] : [`It would not come through: ${refused}`]),
  ].join('\n');
}

type SimulatedStage = RolloutSimulation['stages'][number];

function stageHead({ name, tag, approval, soak, window, zones }: SimulatedStage): string {
  const notes = [
    ...(tag === null ? [] : [`tag ${tag}`]),
    ...(approval ? ['waits for approval'] : []),
    ...(window.open ? [] : [`window opens ${minute(window.until)}`]),
    ...(soak > 0 ? [`watched for ${soak} s`] : []),
    ...zones.map(zoneText),
  ];
  return notes.length === 0 ? name : `${name}: ${notes.join('; ')}`;
}

function stageLines({ workloads }: SimulatedStage): readonly string[] {
  if (workloads.length === 0) return ['   nothing uses what it supersedes'];
  return workloads.map(({ workload, container, batch, strategy, to, unchanged }) => {
    const what = unchanged ? 'runs it already' : `${strategy} → ${to}`;
    return `   ${batch}  ${workload} ${container}: ${what}`;
  });
}

function zoneText({ zone, from, registry, refused }: RolloutSimulation['stages'][number]['zones'][number]): string {
  if (refused !== null) return `zone ${zone} refuses it`;
  return `zone ${zone}${from === null ? '' : ` from ${from}`}${registry === null ? '' : ` by ${registry}`}`;
}
