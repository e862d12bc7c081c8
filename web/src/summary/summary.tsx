import type { FleetTotals, Grade } from '../../../src/http/contract.ts';
import { plural } from '../format.ts';
import { GRADE_MEANINGS } from '../parts/grade-badge.tsx';

interface TileProps {
  readonly label: string;
  readonly value: number;
  readonly note: string;
  readonly tone?: 'good' | 'bad' | 'warn';
}

function Tile({ label, value, note, tone }: TileProps) {
  return (
    <div className={`card tile ${tone === undefined ? '' : `tile-${tone}`}`}>
      <dt>{label}</dt>
      <dd>
        <strong>{value.toLocaleString()}</strong>
        <span className="quiet">{note}</span>
      </dd>
    </div>
  );
}

function GradeBar({ grades }: { readonly grades: readonly (readonly [Grade, number])[] }) {
  if (grades.length === 0) return <span className="quiet">no graded image</span>;
  return (
    <>
      <div
        className="grade-bar"
        role="img"
        aria-label={grades.map(([grade, count]) => `${count} with grade ${grade}`).join(', ')}
      >
        {grades.map(([grade, count]) => (
          <span
            key={grade}
            className={`grade-${grade}`}
            style={{ flexGrow: count }}
            title={`${plural(count, 'image')}: ${GRADE_MEANINGS[grade]}`}
          />
        ))}
      </div>
      <ul className="grade-legend" aria-hidden="true">
        {grades.map(([grade, count]) => (
          <li key={grade}>
            <i className={`grade-${grade}`} />
            {grade} <b>{count}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function Grades({ totals }: { readonly totals: FleetTotals }) {
  const grades = (Object.entries(totals.grades) as [Grade, number][]).filter(([, count]) => count > 0);
  return (
    <div className="card tile grades">
      <dt>Freshness</dt>
      <dd>
        <GradeBar grades={grades} />
      </dd>
    </div>
  );
}

export function Summary({ totals }: { readonly totals: FleetTotals }) {
  const { images, outdated, findings, security, advisories, packages, workloads } = totals;
  return (
    <dl className="summary">
      <Tile label="Images" value={images} note={`${packages.toLocaleString()} packages`} />
      <Tile
        label="Outdated"
        value={outdated}
        note={images === 0 ? 'of none' : `${Math.round((100 * outdated) / images)} % · ${plural(findings, 'update')}`}
        tone={outdated === 0 ? 'good' : 'warn'}
      />
      <Tile
        label="Security updates missed"
        value={security}
        note={plural(advisories, 'CVE')}
        tone={security === 0 ? 'good' : 'bad'}
      />
      <Tile label="Workloads" value={workloads} note="running these images" />
      <Grades totals={totals} />
    </dl>
  );
}
