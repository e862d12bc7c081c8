import type { FleetImage, Layer } from '../../../src/http/contract.ts';
import { useLayers } from '../api.ts';
import { bytes, plural, shortDigest } from '../format.ts';
import { ErrorState, Skeleton } from '../parts/states.tsx';

function changes({ added, changed, removed, entries }: Layer): string {
  const parts = [
    added > 0 ? `+${added}` : '',
    changed > 0 ? `~${changed}` : '',
    removed > 0 ? `−${removed}` : '',
  ].filter(Boolean);
  return parts.length === 0 ? plural(entries, 'file') : `${parts.join(' ')} packages`;
}

function LayerRow({ layer, largest }: { readonly layer: Layer; readonly largest: number }) {
  const waste = layer.bytes === 0 ? 0 : layer.wastedBytes / layer.bytes;
  return (
    <li>
      <div className="layer-head">
        <span title={layer.createdBy ?? ''}>{layer.createdBy ?? 'unknown command'}</span>
        <span>{bytes(layer.compressedBytes)}</span>
      </div>
      <div className="layer-bar" aria-hidden="true">
        <span style={{ width: `${Math.max(1.5, (100 * layer.compressedBytes) / largest)}%` }}>
          <i style={{ width: `${100 * waste}%` }} />
        </span>
      </div>
      <small className="quiet">
        <code>{shortDigest(layer.digest)}</code> · {changes(layer)}
        {layer.wastedBytes > 0 ? ` · ${bytes(layer.wastedBytes)} overwritten later` : ''}
      </small>
    </li>
  );
}

export function LayerList({ image }: { readonly image: FleetImage }) {
  const { data, error, isPending, refetch } = useLayers(image.name);
  const largest = Math.max(1, ...(data?.layers ?? []).map(({ compressedBytes }) => compressedBytes));
  return (
    <section aria-label="Layers">
      <h3>
        Layers
        {data === undefined ? null : (
          <span className="quiet">
            {' '}
            {bytes(data.compressedBytes)} · {Math.round(data.efficiency * 1000) / 10} % of the shipped bytes are seen
          </span>
        )}
      </h3>
      {isPending ? <Skeleton lines={4} label="Loading layers" /> : null}
      {error !== null && data === undefined ? (
        <ErrorState title="The layers cannot be shown" error={error} retry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <ol className="layers">
          {data.layers.map((layer) => (
            <LayerRow key={layer.digest} layer={layer} largest={largest} />
          ))}
        </ol>
      )}
    </section>
  );
}
