import { useState } from 'react';
import type { Rollout, RolloutStage } from '../../../src/http/rollouts-contract.ts';
import { ApiError } from '../api.ts';
import { ago } from '../format.ts';
import { CopyDigest } from '../parts/copy-digest.tsx';
import { actionsOf, type Offered } from './actions.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { RolloutPast } from './rollout-past.tsx';
import { useSay } from './rollouts-api.ts';
import { SlotTable } from './slot-table.tsx';

const TONES: Readonly<Record<Rollout['state'], string>> = {
  waiting: 'idle',
  running: 'busy',
  paused: 'warn',
  aborting: 'bad',
  rolledout: 'good',
  rolledback: 'bad',
  overtaken: 'idle',
  failed: 'bad',
};

const WORDS: Readonly<Partial<Record<Rollout['state'], string>>> = {
  rolledout: 'rolled out',
  rolledback: 'rolled back',
};

const HOLDS: Readonly<Record<string, string>> = {
  window: 'for its window',
  approval: 'for approval',
  soak: 'while the stage is watched',
  retry: 'for another attempt',
  away: 'for what does not answer',
  elsewhere: 'for another rollout',
  merge: 'for a pull request',
  step: 'at a step',
  operator: 'by somebody',
};

function stateText({ state, hold, interrupted }: Rollout): string {
  const word = WORDS[state] ?? state;
  if (interrupted) return `${word}, interrupted`;
  return hold === null ? word : `${word} ${HOLDS[hold] ?? hold}`;
}

interface RolloutCardProps {
  readonly rollout: Rollout;
  /** Who looks at it may steer rollouts. */
  readonly mayChange: boolean;
}

export function RolloutCard({ rollout, mayChange }: RolloutCardProps) {
  const { id, image, digest, previous, state, reason, until, stages, started, owner } = rollout;
  const [asked, setAsked] = useState<Offered>();
  const say = useSay();
  const title = `rollout-${id}`;
  const act = (offered: Offered, word: Parameters<typeof say.mutate>[0]['word'] = {}): void => {
    const now = offered.action === 'resume' && rollout.hold === 'window' ? { now: true } : {};
    say.mutate({ id, action: offered.action, word: { ...word, ...now } });
  };
  return (
    <article className={`rollout rollout-${TONES[state]}`} aria-labelledby={title}>
      <header className="rollout-head">
        <h3 id={title}>
          {image} <span className="quiet">rollout {id}</span>
        </h3>
        <span className={`tag rollout-state state-${TONES[state]}`}>{stateText(rollout)}</span>
        <span className="quiet">
          began <time dateTime={started}>{ago(started)}</time>
          {owner === null ? '' : ` · carried on by ${owner}`}
        </span>
        {mayChange ? (
          <fieldset className="rollout-actions" aria-label={`Steer rollout ${id}`}>
            {actionsOf(rollout).map((offered) => (
              <button
                key={offered.action}
                type="button"
                className={offered.asks ? 'button button-bad' : 'button'}
                disabled={say.isPending}
                onClick={() => (offered.asks ? setAsked(offered) : act(offered))}
              >
                {offered.label}
              </button>
            ))}
          </fieldset>
        ) : null}
      </header>
      <p className="rollout-way">
        {previous === null ? null : (
          <>
            <CopyDigest digest={previous} /> <span aria-hidden="true">→</span>
            <span className="hidden"> is replaced by </span>{' '}
          </>
        )}
        <CopyDigest digest={digest} />
      </p>
      {reason === '' ? null : (
        <p className={TONES[state] === 'bad' ? 'bad rollout-why' : 'quiet rollout-why'}>
          {reason}
          {until === null ? null : <span> (until {new Date(until).toLocaleString()})</span>}
        </p>
      )}
      <p className="rollout-said" role="alert">
        {say.isError ? <SaidError error={say.error} /> : null}
      </p>
      <Stages stages={stages} />
      <SlotTable rollout={rollout} />
      <RolloutPast id={id} />
      {asked === undefined ? null : (
        <ConfirmDialog
          rollout={rollout}
          offered={asked}
          close={() => setAsked(undefined)}
          say={(word) => act(asked, word)}
        />
      )}
    </article>
  );
}

function SaidError({ error }: { readonly error: Error }) {
  const hint = error instanceof ApiError ? error.hint : null;
  return (
    <span className="bad">
      {error.message}
      {hint === null ? null : <small className="quiet"> {hint}</small>}
    </span>
  );
}

const STAGE_WORDS: Readonly<Record<RolloutStage['state'], string>> = { done: 'done', current: 'now', next: 'to come' };

function Stages({ stages }: { readonly stages: readonly RolloutStage[] }) {
  if (stages.length < 2 && stages.every(({ approval }) => !approval)) return null;
  return (
    <ol className="stages" aria-label="Stages">
      {stages.map((stage) => (
        <li
          key={stage.name}
          className={`stage stage-${stage.state}`}
          aria-current={stage.state === 'current' ? 'step' : undefined}
        >
          <b>{stage.name}</b> <span className="quiet">{STAGE_WORDS[stage.state]}</span>
          {stage.approval ? <Approvals stage={stage} /> : null}
        </li>
      ))}
    </ol>
  );
}

function Approvals({ stage: { approvalsNeeded, approvals } }: { readonly stage: RolloutStage }) {
  const who = approvals.map(({ by, as }) => (as === null || as === by ? by : `${by} (${as})`)).join(', ');
  return (
    <small className="quiet">
      {approvals.length} of {approvalsNeeded} approvals{who === '' ? '' : `: ${who}`}
    </small>
  );
}
