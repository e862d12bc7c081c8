export interface SignInPage {
  /** Path to go to afterwards. */
  readonly next: string;
  readonly name?: string;
  /** What went wrong. */
  readonly message?: string;
  /** Somebody else who knows people. */
  readonly provider?: { readonly name: string; readonly path: string };
}

const STYLE = `body{font:16px/1.5 system-ui;max-width:22rem;margin:15vh auto;padding:0 1rem;color:#1c1c1c;background:#fff}
label{display:block;margin:.8rem 0 .2rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.45rem .6rem;border:1px solid #767676;border-radius:.3rem}
button,a.button{display:block;width:100%;box-sizing:border-box;margin-top:1.2rem;padding:.55rem;font:inherit;text-align:center;text-decoration:none;border:0;border-radius:.3rem;background:#1f4e9e;color:#fff;cursor:pointer}
p.wrong{color:#a3160f}@media(prefers-color-scheme:dark){body{color:#eee;background:#16181c}input{background:#23262c;color:#eee}p.wrong{color:#ff8f88}}`;

/** The page as a whole; it loads nothing and runs nothing. */
export function signInPage({ next, name = '', message, provider }: SignInPage): string {
  const wrong = message === undefined ? '' : `<p class="wrong" role="alert">${escaped(message)}</p>`;
  const target = provider === undefined ? '' : `${provider.path}?next=${encodeURIComponent(next)}`;
  const other =
    provider === undefined
      ? ''
      : `<a class="button" href="${escaped(target)}">Sign in with ${escaped(provider.name)}</a>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>heraklit: sign in</title><style>${STYLE}</style><h1>heraklit</h1>${wrong}
<form method="post" action="/auth/sign-in"><input type="hidden" name="next" value="${escaped(next)}">
<label for="name">Name</label><input id="name" name="name" autocomplete="username" required autofocus value="${escaped(name.slice(0, 200))}">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button></form>${other}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
