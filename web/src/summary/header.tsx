import { clock } from '../format.ts';
import type { Connection } from '../use-live-events.ts';

const WORDS: Readonly<Record<Connection, string>> = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' };

interface HeaderProps {
  readonly connection: Connection;
  readonly generatedAt: string | undefined;
}

export function Header({ connection, generatedAt }: HeaderProps) {
  return (
    <header className="top">
      <div className="brand">
        <img src="/icon.svg" alt="" width="30" height="30" />
        <h1>heraklit</h1>
        <span className="quiet motto">everything flows, nothing stays unpatched</span>
      </div>
      <div className="top-right">
        {generatedAt === undefined ? null : <span className="quiet">as of {clock(generatedAt)}</span>}
        <span className={`live live-${connection}`} role="status">
          <i aria-hidden="true" />
          {WORDS[connection]}
        </span>
        <a className="button" href="/api/v1/openapi.json">
          API
        </a>
      </div>
    </header>
  );
}
