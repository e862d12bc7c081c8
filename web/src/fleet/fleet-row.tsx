import type { FleetImage } from '../../../src/http/contract.ts';
import { bytes, plural, shortDigest } from '../format.ts';
import { GradeBadge } from '../parts/grade-badge.tsx';

interface FleetRowProps {
  readonly image: FleetImage;
  readonly guides: readonly boolean[];
  readonly selected: boolean;
  readonly select: (name: string) => void;
}

function Updates({ image }: { readonly image: FleetImage }) {
  const { total, security } = image.findings;
  if (image.unsupported !== null) return <span className="quiet">not checked</span>;
  if (total === 0) return <span className="ok">up to date</span>;
  const other = total - security;
  return (
    <span className="updates">
      {security > 0 ? <b className="pill pill-bad">{security} security</b> : null}
      {other > 0 ? <span className="pill">{other} other</span> : null}
    </span>
  );
}

/** Width of one step of the tree in rem. */
const STEP = 1.35;

/** The lines from a base to what stands on it. */
function Guides({ guides }: { readonly guides: readonly boolean[] }) {
  return guides.map((goesOn, step) => {
    const style = { left: `${(step + 1) * STEP - 0.95}rem` };
    const own = step === guides.length - 1;
    return (
      <span key={`step-${step + 1}`} className="guides" aria-hidden="true">
        {goesOn ? <i className="guide" style={style} /> : null}
        {own ? <i className="guide guide-end" style={style} /> : null}
      </span>
    );
  });
}

/** One image; the name is the button, the rest of the row follows the pointer only. */
export function FleetRow({ image, guides, selected, select }: FleetRowProps) {
  return (
    <tr className={selected ? 'selected' : ''} onClick={() => select(image.name)}>
      <th scope="row">
        <span className="name" style={{ paddingInlineStart: `${guides.length * STEP}rem` }}>
          <Guides guides={guides} />
          <button type="button" className="link">
            {image.name}
          </button>
          {image.status === 'released' ? null : <span className={`tag tag-${image.status}`}>{image.status}</span>}
          <small className="quiet">
            {plural(image.packages, 'package')} · {bytes(image.bytes)}
          </small>
        </span>
      </th>
      <td>
        <GradeBadge grade={image.grade} why={image.unsupported} />
      </td>
      <td>
        <Updates image={image} />
      </td>
      <td className="quiet">{image.distribution ?? 'unknown'}</td>
      <td>{image.strategy === null ? '' : <span className="tag">{image.strategy}</span>}</td>
      <td>
        {image.digest === null ? <span className="quiet">not built</span> : <code>{shortDigest(image.digest)}</code>}
      </td>
      <td className="number">{image.workloads === 0 ? <span className="quiet">–</span> : image.workloads}</td>
    </tr>
  );
}
