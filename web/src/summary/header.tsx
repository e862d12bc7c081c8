import { signOut, useMe } from '../api.ts';
import { clock } from '../format.ts';
import type { Connection } from '../use-live-events.ts';
import { PAGES, type PageName } from '../use-page.ts';

const WORDS: Readonly<Record<Connection, string>> = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' };

interface HeaderProps {
  readonly page: PageName;
  readonly connection: Connection;
  readonly generatedAt: string | undefined;
}

export function Header({ page, connection, generatedAt }: HeaderProps) {
  const me = useMe().data;
  const signedIn = me !== undefined && me.kind !== 'anonymous' && me.kind !== 'owner';
  return (
    <header className="top">
      <div className="brand">
        <img src="/icon.svg" alt="" width="30" height="30" />
        <h1>heraklit</h1>
        <span className="quiet motto">everything flows, nothing stays unpatched</span>
        <nav className="pages" aria-label="Pages">
          {(Object.keys(PAGES) as PageName[]).map((name) => (
            <a key={name} href={`#${name}`} aria-current={name === page ? 'page' : undefined}>
              {PAGES[name]}
            </a>
          ))}
        </nav>
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
        {me?.kind === 'person' ? (
          <a className="button" href="/auth/password">
            Password
          </a>
        ) : null}
        {signedIn ? (
          <button type="button" className="button" onClick={() => void signOut()} title={`signed in as ${me.name}`}>
            Sign out
          </button>
        ) : null}
        {me?.kind === 'anonymous' && me.accounts ? (
          <a className="button" href="/auth/sign-in">
            Sign in
          </a>
        ) : null}
      </div>
    </header>
  );
}
