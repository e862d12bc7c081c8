import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Access, NOBODY } from '../../access/index.ts';
import { createDoor } from './door.ts';
import { localPath } from './session-routes.ts';
import { signInPage } from './sign-in-page.ts';

const PUSH = { kind: 'repository', repository: 'a', action: 'push' } as const;
const PULL = { kind: 'repository', repository: 'a', action: 'pull' } as const;

function accounts(state: { some: boolean }): Access {
  return { hasAccounts: () => state.some, allows: () => false } as unknown as Access;
}

test('open on loopback until there is an account; then closed, also when it goes again', () => {
  const state = { some: false };
  const door = createDoor({ anonymous: 'write', loopback: true }, { access: accounts(state) });
  assert.ok(door.allows(NOBODY, PUSH));
  assert.ok(!door.asksForAccounts());
  assert.ok(!door.allows(NOBODY, { kind: 'admin' }), 'accounts are the owner’s to make');
  state.some = true;
  assert.ok(!door.allows(NOBODY, PULL));
  assert.ok(door.asksForAccounts());
  state.some = false;
  assert.ok(!door.allows(NOBODY, PULL));
});

test('the user’s explicit word holds whatever accounts there are', () => {
  const read = createDoor({ anonymous: 'read', loopback: false, explicit: true }, { access: accounts({ some: true }) });
  assert.ok(read.allows(NOBODY, PULL));
  assert.ok(read.allows(NOBODY, { kind: 'view' }));
  assert.ok(!read.allows(NOBODY, PUSH));
  assert.ok(!read.allows(NOBODY, { kind: 'change' }));
});

test('after signing in one goes to a path of this server, nowhere else', () => {
  assert.equal(localPath('/images/web?x=1'), '/images/web?x=1');
  for (const next of [
    undefined,
    '',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\nb',
    'x',
    '/a\\b',
  ]) {
    assert.equal(localPath(next), '/', String(next));
  }
});

test('the sign-in page shows what it is given as text', () => {
  const page = signInPage({ next: '/"><script>', name: '<img src=x>', message: '<b>' });
  assert.doesNotMatch(page, /<script>|<img|<b>/);
  assert.match(page, /&lt;img src=x&gt;/);
});
