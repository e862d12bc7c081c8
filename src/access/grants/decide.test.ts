import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Grant, grantTable, type Permission } from './decide.ts';
import { accountName, granteeName } from './name.ts';
import { roleOf } from './roles.ts';

const GRANTS: readonly Grant[] = [
  { to: 'anonymous', role: 'pull', on: 'public/**' },
  { to: 'alice', role: 'push', on: 'team/**' },
  { to: 'group:ops', role: 'delete', on: 'team/*' },
  { to: 'root', role: 'admin', on: '**' },
  { to: 'lead', role: 'admin', on: 'team/**' },
  { to: 'prometheus', role: 'metrics', on: '**' },
  { to: 'host', role: 'report', on: '**' },
  { to: 'watcher', role: 'view', on: '**' },
];
const table = grantTable(GRANTS);
const can = (name: string, permission: Permission, groups: readonly string[] = []): boolean =>
  table.allows({ name, groups }, permission);
const on = (action: 'pull' | 'push' | 'delete', repository: string): Permission => ({
  kind: 'repository',
  action,
  repository,
});

test('roles include what is below them, on their pattern only', () => {
  assert.ok(can('alice', on('pull', 'team/app')));
  assert.ok(can('alice', on('push', 'team/app')));
  assert.ok(!can('alice', on('delete', 'team/app')));
  assert.ok(!can('alice', on('pull', 'other/app')));
  assert.ok(can('root', on('delete', 'any/thing')));
});

test('groups and anonymous grants count', () => {
  assert.ok(can('bob', on('delete', 'team/app'), ['dev', 'ops']));
  assert.ok(!can('bob', on('delete', 'team/app'), ['dev']));
  assert.ok(!can('bob', on('delete', 'team/app/sub'), ['ops']));
  assert.ok(can('anonymous', on('pull', 'public/x')));
  assert.ok(can('alice', on('pull', 'public/x')), 'who signed in may what everybody may');
  assert.ok(!can('anonymous', on('push', 'public/x')));
  assert.ok(!can('group:ops', on('pull', 'team/app'), []), 'an account cannot be named like a group');
  assert.ok(!can('anonymous', on('pull', 'team/app'), ['ops']), 'nobody is in no group');
});

test('the server: an admin of everything, view, metrics', () => {
  assert.ok(can('root', { kind: 'admin' }));
  assert.ok(can('root', { kind: 'view' }));
  assert.ok(!can('lead', { kind: 'admin' }));
  assert.ok(!can('lead', { kind: 'view' }));
  assert.ok(can('prometheus', { kind: 'metrics' }));
  assert.ok(!can('prometheus', { kind: 'view' }));
  assert.ok(!can('prometheus', on('pull', 'team/app')));
  assert.ok(can('watcher', { kind: 'metrics' }));
  assert.ok(!can('watcher', { kind: 'admin' }));
  assert.ok(can('host', { kind: 'report' }) && can('root', { kind: 'report' }));
  for (const kind of ['view', 'metrics', 'change', 'admin', 'catalog'] as const)
    assert.ok(!can('host', { kind }), kind);
  for (const name of ['anonymous', 'alice', 'lead', 'prometheus', 'watcher'])
    assert.ok(!can(name, { kind: 'report' }), name);
});

test('the list of repositories is for who may pull them all, or see them anyway', () => {
  const catalog = { kind: 'catalog' } as const;
  assert.ok(can('root', catalog));
  assert.ok(can('watcher', catalog));
  for (const name of ['anonymous', 'alice', 'lead', 'prometheus']) assert.ok(!can(name, catalog), name);
  const puller = grantTable([{ to: 'mirror', role: 'pull', on: '**' }]);
  assert.ok(puller.allows({ name: 'mirror', groups: [] }, catalog));
});

test('names', () => {
  for (const name of ['alice', 'a', 'a.b-c_d+e@example.org', 'x'.repeat(128)]) assert.equal(accountName(name), name);
  const wrong = ['', 'Alice', 'a:b', 'group:x', 'anonymous', 'owner', '-a', 'a-', 'a b', 'a\n', 'x'.repeat(129), 'ä'];
  for (const name of wrong) assert.throws(() => accountName(name), { code: 'ACCESS_NAME_INVALID' }, name);
  assert.equal(granteeName('group:Ops Team'), 'group:Ops Team');
  assert.equal(granteeName('anonymous'), 'anonymous');
  assert.throws(() => granteeName('group:'), { code: 'ACCESS_NAME_INVALID' });
  assert.throws(() => granteeName('group:a\nb'), { code: 'ACCESS_NAME_INVALID' });
  assert.throws(() => roleOf('root'), { code: 'ACCESS_ROLE_INVALID' });
});
