import { accountPage, escaped } from './account-page.ts';

export interface SignInPage {
  /** Path to go to afterwards. */
  readonly next: string;
  readonly name?: string;
  /** What went wrong. */
  readonly message?: string;
  /** Somebody else who knows people. */
  readonly provider?: { readonly name: string; readonly path: string };
}

export function signInPage({ next, name = '', message, provider }: SignInPage): string {
  const target = provider === undefined ? '' : `${provider.path}?next=${encodeURIComponent(next)}`;
  const other =
    provider === undefined
      ? ''
      : `<a class="button" href="${escaped(target)}">Sign in with ${escaped(provider.name)}</a>`;
  return accountPage(
    'sign in',
    message,
    `<form method="post" action="/auth/sign-in"><input type="hidden" name="next" value="${escaped(next)}">
<label for="name">Name</label><input id="name" name="name" autocomplete="username" required autofocus value="${escaped(name.slice(0, 200))}">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button></form>${other}`,
  );
}
