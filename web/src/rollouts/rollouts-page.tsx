import { useState } from 'react';
import { useMe } from '../api.ts';
import { ago } from '../format.ts';
import { CopyDigest } from '../parts/copy-digest.tsx';
import { EmptyState, ErrorState, Skeleton } from '../parts/states.tsx';
import { RolloutCard } from './rollout-card.tsx';
import { useQuarantine, useRollouts, useZoneFindings } from './rollouts-api.ts';

/** What goes on, what ended, what broke a rule, and what is never offered again. */
export function RolloutsPage() {
  const [all, setAll] = useState(false);
  const rollouts = useRollouts(all);
  // Without accounts there is nobody to ask about; the server has the last word.
  const mayChange = useMe().data?.change !== false;
  const found = rollouts.data?.rollouts ?? [];
  return (
    <div className="columns">
      <section className="card" aria-labelledby="rollouts-title" aria-busy={rollouts.isFetching}>
        <div className="card-head">
          <h2 id="rollouts-title">Rollouts</h2>
          <div className="filters">
            <button type="button" className="chip" aria-pressed={!all} onClick={() => setAll(false)}>
              Going on
            </button>
            <button type="button" className="chip" aria-pressed={all} onClick={() => setAll(true)}>
              Ended, too
            </button>
          </div>
          {mayChange || rollouts.data === undefined ? null : (
            <span className="quiet">To steer them, sign in with an account that may.</span>
          )}
        </div>
        {rollouts.isPending ? <Skeleton lines={8} label="Loading rollouts" /> : null}
        {rollouts.isError && rollouts.data === undefined ? (
          <ErrorState title="Rollouts cannot be shown" error={rollouts.error} retry={() => void rollouts.refetch()} />
        ) : null}
        {rollouts.data !== undefined && found.length === 0 ? (
          <EmptyState title={all ? 'Nothing was rolled out yet' : 'No rollout goes on'}>
            {all
              ? 'Released images are brought to the workloads that run older ones.'
              : 'Those that ended are behind “Ended, too”.'}
          </EmptyState>
        ) : null}
        {found.map((rollout) => (
          <RolloutCard key={rollout.id} rollout={rollout} mayChange={mayChange} />
        ))}
        {rollouts.data?.next == null ? null : <p className="quiet rollout-why">Older ones: heraklit rollout history</p>}
      </section>
      <aside>
        <ZoneFindings />
        <Quarantined />
      </aside>
    </div>
  );
}

function ZoneFindings() {
  const { data, isPending, isError, error, refetch } = useZoneFindings();
  return (
    <section className="card" aria-labelledby="zones-title">
      <div className="card-head">
        <h2 id="zones-title">Network zones</h2>
      </div>
      {isPending ? <Skeleton lines={2} label="Loading findings of zones" /> : null}
      {isError && data === undefined ? (
        <ErrorState title="Findings cannot be shown" error={error} retry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : data.findings.length === 0 ? (
        <EmptyState title="No rule is broken">Every workload runs what came to its zone on an allowed way.</EmptyState>
      ) : (
        <ul className="notes">
          {data.findings.map(({ rule, zone, workload, container, message }) => (
            <li key={`${rule} ${workload} ${container}`} className="finding finding-important">
              <span className="tag">{rule}</span> <b>{zone}</b>
              <p className="wrap">
                {workload} <small className="quiet">{container}</small>
              </p>
              <p className="quiet wrap">{message}</p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Quarantined() {
  const { data, isPending, isError, error, refetch } = useQuarantine();
  return (
    <section className="card" aria-labelledby="quarantine-title">
      <div className="card-head">
        <h2 id="quarantine-title">Quarantine</h2>
      </div>
      {isPending ? <Skeleton lines={2} label="Loading the quarantine" /> : null}
      {isError && data === undefined ? (
        <ErrorState title="The quarantine cannot be shown" error={error} retry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : data.quarantined.length === 0 ? (
        <EmptyState title="Empty">No digest proved bad.</EmptyState>
      ) : (
        <ul className="notes">
          {data.quarantined.map(({ digest, image, reason, foundBy, since }) => (
            <li key={digest} className="finding finding-critical">
              <CopyDigest digest={digest} /> <time dateTime={since}>{ago(since)}</time>
              <p className="wrap">{image}</p>
              <p className="quiet wrap">
                {reason} <small>({foundBy})</small>
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
