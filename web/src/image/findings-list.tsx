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

function FindingRow({ finding }: { readonly finding: Finding }) {
  return (
    <li className={`finding finding-${finding.severity}`}>
      <div className="finding-head">
        <b>{finding.package}</b>
        {finding.security ? <span className="pill pill-bad">security</span> : <span className="pill">update</span>}
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

/** Security first, then as the server sorts them. */
const bySecurity = (a: Finding, b: Finding): number => Number(b.security) - Number(a.security);

export function FindingsList({ image }: { readonly image: FleetImage }) {
  const { data, error, isPending, refetch } = useFindings(image.name);
  const findings = [...(data?.images[0]?.findings ?? [])].sort(bySecurity);
  return (
    <section aria-label="Missing updates">
      <h3>
        Missing updates
        {findings.length > 0 ? <span className="quiet"> {plural(findings.length, 'package')}</span> : null}
      </h3>
      {isPending ? <Skeleton lines={4} label="Loading findings" /> : null}
      {error !== null && data === undefined ? (
        <ErrorState title="The findings cannot be shown" error={error} retry={() => void refetch()} />
      ) : null}
      {data !== undefined && findings.length === 0 ? (
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
