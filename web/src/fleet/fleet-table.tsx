import { useDeferredValue, useMemo, useState } from 'react';
import type { FleetImage } from '../../../src/http/contract.ts';
import { plural } from '../format.ts';
import { EmptyState } from '../parts/states.tsx';
import { FleetRow } from './fleet-row.tsx';
import { FILTERS, type Filter, inTreeOrder, selectImages } from './select-images.ts';

/** Rows drawn at first, and more with each press of the button: large fleets must not stop the browser. */
const PAGE = 200;
const NO_GUIDES: readonly boolean[] = [];

interface FleetTableProps {
  readonly images: readonly FleetImage[];
  readonly selected: string | undefined;
  readonly select: (name: string) => void;
}

export function FleetTable({ images, selected, select }: FleetTableProps) {
  const [filter, setFilter] = useState<Filter>('all');
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState(PAGE);
  const wanted = useDeferredValue(search);
  const ordered = useMemo(() => inTreeOrder(images), [images]);
  const found = useMemo(() => selectImages(ordered, filter, wanted), [ordered, filter, wanted]);
  const asTree = filter === 'all' && wanted.trim() === '';
  return (
    <>
      <div className="card-head">
        <h2 id="fleet-title">Fleet</h2>
        <div className="filters">
          {(Object.keys(FILTERS) as Filter[]).map((name) => (
            <button
              key={name}
              type="button"
              className="chip"
              aria-pressed={filter === name}
              onClick={() => setFilter(name)}
            >
              {FILTERS[name].label}
              <span>{images.filter(FILTERS[name].keeps).length}</span>
            </button>
          ))}
        </div>
        <input
          type="search"
          placeholder="Search images"
          aria-label="Search by name, digest or distribution"
          value={search}
          onChange={(change) => setSearch(change.target.value)}
        />
      </div>
      {images.length === 0 ? (
        <EmptyState title="No images yet">
          Add images to <code>heraklit.yaml</code>, or run <code>npx heraklit demo</code> to see a fleet at work.
        </EmptyState>
      ) : null}
      {images.length > 0 && found.length === 0 ? (
        <EmptyState title="Nothing matches">No image of the fleet fits this search and filter.</EmptyState>
      ) : null}
      {found.length === 0 ? null : (
        <div className="scroll">
          <table className="fleet">
            <thead>
              <tr>
                <th scope="col">Image</th>
                <th scope="col">Grade</th>
                <th scope="col">Updates missed</th>
                <th scope="col">Distribution</th>
                <th scope="col">Last strategy</th>
                <th scope="col">Digest</th>
                <th scope="col" className="number">
                  Workloads
                </th>
              </tr>
            </thead>
            <tbody>
              {found.slice(0, shown).map(({ image, guides }) => (
                <FleetRow
                  key={image.name}
                  image={image}
                  guides={asTree ? guides : NO_GUIDES}
                  selected={image.name === selected}
                  select={select}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > shown ? (
        <button type="button" className="button more" onClick={() => setShown(shown + PAGE)}>
          Show {plural(Math.min(PAGE, found.length - shown), 'more image')}
        </button>
      ) : null}
    </>
  );
}
