import { accountPage, escaped } from './account-page.ts';

/** A form for a person's own new password. */
export function passwordPage({ name = '', message }: { readonly name?: string; readonly message?: string }): string {
  return accountPage(
    'new password',
    message,
    `<form method="post" action="/auth/password">
<label for="name">Name</label><input id="name" name="name" autocomplete="username" required value="${escaped(name.slice(0, 200))}">
<label for="current">Password so far</label><input id="current" name="current" type="password" autocomplete="current-password" required>
<label for="password">New password, 12 characters or more</label><input id="password" name="password" type="password" autocomplete="new-password" minlength="12" required>
<label for="again">New password again</label><input id="again" name="again" type="password" autocomplete="new-password" minlength="12" required>
<button>Change password</button></form><a class="button" href="/">Back</a>`,
  );
}
