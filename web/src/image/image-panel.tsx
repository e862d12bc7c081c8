import { useEffect, useRef } from 'react';
import type { FleetImage } from '../../../src/http/contract.ts';
import { ago, bytes } from '../format.ts';
import { CopyDigest } from '../parts/copy-digest.tsx';
import { GradeBadge } from '../parts/grade-badge.tsx';
import { FindingsList } from './findings-list.tsx';
import { LayerList } from './layer-list.tsx';

interface ImagePanelProps {
  readonly image: FleetImage;
  readonly close: () => void;
  readonly select: (name: string) => void;
}

/** A modal dialog of the browser's own: focus stays inside, Escape closes. */
export function ImagePanel({ image, close, select }: ImagePanelProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
  }, []);
  const { base } = image;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the dialog's own key; the click is on the backdrop
    <dialog
      ref={dialog}
      className="panel"
      aria-labelledby="panel-title"
      onClose={close}
      onClick={(click) => {
        if (click.target === dialog.current) close();
      }}
    >
      <div className="panel-body">
        <div className="panel-head">
          <GradeBadge grade={image.grade} why={image.unsupported} dropsAt={image.dropsAt} />
          <div>
            <h2 id="panel-title">{image.name}</h2>
            <code className="quiet">{image.reference}</code>
          </div>
          <button type="button" className="button close" onClick={close} aria-label="Close">
            ✕
          </button>
        </div>
        <dl className="facts">
          <div>
            <dt>Digest</dt>
            <dd>{image.digest === null ? 'not built yet' : <CopyDigest digest={image.digest} />}</dd>
          </div>
          <div>
            <dt>Status</dt>
            <dd>
              <span className={`tag tag-${image.status}`}>{image.status}</span>
            </dd>
          </div>
          <div>
            <dt>Stands on</dt>
            <dd>
              {base === null ? (
                'nothing of the fleet'
              ) : (
                <button type="button" className="link" onClick={() => select(base)}>
                  {base}
                </button>
              )}
            </dd>
          </div>
          <div>
            <dt>Distribution</dt>
            <dd>{image.distribution ?? 'unknown'}</dd>
          </div>
          {image.endOfSupport == null ? null : (
            <div>
              <dt>Supported until</dt>
              <dd>{image.endOfSupport}</dd>
            </div>
          )}
          {image.dropsAt == null ? null : (
            <div>
              <dt>Grade drops on</dt>
              <dd>{image.dropsAt.slice(0, 10)}</dd>
            </div>
          )}
          <div>
            <dt>Built</dt>
            <dd>
              {image.builtAt === null ? 'never' : ago(image.builtAt)}
              {image.strategy === null ? '' : ` by ${image.strategy}`}
            </dd>
          </div>
          <div>
            <dt>Size</dt>
            <dd>{bytes(image.bytes)}</dd>
          </div>
        </dl>
        <FindingsList image={image} />
        <LayerList image={image} />
      </div>
    </dialog>
  );
}
