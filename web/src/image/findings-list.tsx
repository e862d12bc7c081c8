import { useState } from 'react';
import type { Finding, FleetImage } from '../../../src/http/contract.ts';
import { useFindings } from '../api.ts';
import { ago, plural } from '../format.ts';
import { EmptyState, ErrorState, Skeleton } from '../parts/states.tsx';

function Advisories({ ids }: { readonly ids: readonly string[] }) {
  if (ids.length === 0) return <small className="quiet">no CVE named</small>;
  return (
    <span className="cves">
      {ids.map((id) => (
        <code key={id}>{id}</code>
      ))}
    </span>
  );
}

const USED_BY = {
  entrypoint: 'used by the entry point',
  executable: 'used by a program',
  library: 'used by a library',
};

/** Says nothing where it is not known. */
function Usage({ finding: { usage, linkedBy } }: { readonly finding: Finding }) {
  if (usage === undefined) return null;
  if (usage === 'loaded') return <span className="pill pill-bad">loaded now</span>;
  return <span className="pill">{linkedBy === undefined ? 'contained' : USED_BY[linkedBy]}</span>;
}

function FindingRow({ finding }: { readonly finding: Finding }) {
  return (
    <li className={`finding finding-${finding.severity}`}>
      <div className="finding-head">
        <b>{finding.package}</b>
        {finding.security ? <span className="pill pill-bad">security</span> : <span className="pill">update</span>}
        <Usage finding={finding} />
        <time className="quiet" dateTime={finding.since}>
          missed for {ago(finding.since).replace(/ ago$/, '')}
        </time>
      </div>
      <p className="versions">
        <code>{finding.installed}</code>
        <span aria-hidden="true">→</span>
        <span className="hidden">to</span>
        <code>{finding.candidate}</code>
      </p>
      <Advisories ids={finding.advisories} />
    </li>
  );
}

type Shown = 'all' | 'linked' | 'entrypoint';

/** What is not known counts as used. */
function isShown({ usage, linkedBy }: Finding, shown: Shown): boolean {
  if (shown === 'all' || usage === undefined || usage === 'loaded') return true;
  return shown === 'linked' ? usage === 'linked' : linkedBy === 'entrypoint';
}

/** Security first, then as the server sorts them. */
const bySecurity = (a: Finding, b: Finding): number => Number(b.security) - Number(a.security);

export function FindingsList({ image }: { readonly image: FleetImage }) {
  const { data, error, isPending, refetch } = useFindings(image.name);
  const [shown, setShown] = useState<Shown>('all');
  const all = data?.images[0]?.findings ?? [];
  const findings = all.filter((finding) => isShown(finding, shown)).sort(bySecurity);
  const isTold = all.some(({ usage }) => usage !== undefined);
  return (
    <section aria-label="Missing updates">
      <h3>
        Missing updates
        {findings.length > 0 ? <span className="quiet"> {plural(findings.length, 'package')}</span> : null}
      </h3>
      {isTold ? (
        <label className="quiet">
          Show{' '}
          <select value={shown} onChange={(change) => setShown(change.target.value as Shown)}>
            <option value="all">all packages</option>
            <option value="linked">what anything is linked against</option>
            <option value="entrypoint">what the entry point is linked against</option>
          </select>
        </label>
      ) : null}
      {isPending ? <Skeleton lines={4} label="Loading findings" /> : null}
      {error !== null && data === undefined ? (
        <ErrorState title="The findings cannot be shown" error={error} retry={() => void refetch()} />
      ) : null}
      {all.length > 0 && findings.length === 0 ? (
        <EmptyState title="Nothing of this kind">All that is missing is merely contained.</EmptyState>
      ) : null}
      {data !== undefined && all.length === 0 ? (
        <EmptyState title={image.unsupported === null ? 'Nothing missing' : 'Not checked'}>
          {image.unsupported ?? 'Every package is at the version its repositories offer.'}
        </EmptyState>
      ) : null}
      {findings.length > 0 ? (
        <ul className="findings">
          {findings.map((finding) => (
            <FindingRow key={`${finding.package}:${finding.arch}`} finding={finding} />
          ))}
        </ul>
      ) : null}
    </section>
  );
}
