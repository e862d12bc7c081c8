/** What accounts must do on every kind of database. Run by access.test.ts and test/integration/access-postgresql.test.ts. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { type Access, type AccessOptions, openAccess, parseScopes, writeAudit } from '../../src/access/index.ts';
import { homeAt } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';

const CHEAP = { memory: 64, passes: 1, parallelism: 1 };
const PASSWORD = 'correct horse battery';
const ADDRESS = '192.0.2.1';
const basic = (name: string, password: string) => ({ kind: 'basic', name, password }) as const;
const bearer = (token: string) => ({ kind: 'bearer', token }) as const;
const push = (repository: string) => ({ kind: 'repository', repository, action: 'push' }) as const;
const pull = (repository: string) => ({ kind: 'repository', repository, action: 'pull' }) as const;

export function accessContract(kind: string, open: () => Promise<Database>): void {
  describe(`access contract: ${kind}`, () => {
    let folder: string;
    let database: Database;
    let access: Access;
    let now = Date.now();
    const clock = { now: () => now };
    const options = (): AccessOptions => ({ database, home: homeAt(folder), cost: CHEAP, clock });
    const admin = () => access.admin({ name: 'tester', address: ADDRESS });
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'access-'));
      database = await open();
      access = await openAccess(options());
    });
    after(async () => {
      await access.close();
      await database.close();
      await rm(folder, { recursive: true });
    });

    test('people sign in by password, and no other way', async () => {
      await admin().addPerson({ name: 'alice', password: PASSWORD });
      assert.equal((await access.authenticate(basic('alice', PASSWORD), ADDRESS)).name, 'alice');
      assert.equal((await access.authenticate({ kind: 'none' }, ADDRESS)).kind, 'anonymous');
      for (const [name, password] of [
        ['alice', 'wrong horse battery'],
        ['nobody', PASSWORD],
        ['Alice', PASSWORD],
        ['alice', ''],
        ["alice' or 1=1 --", PASSWORD],
      ] as const) {
        const refused = access.authenticate(basic(name, password), ADDRESS);
        await assert.rejects(refused, { code: 'ACCESS_CREDENTIALS_REFUSED' });
      }
      await assert.rejects(admin().addPerson({ name: 'alice', password: PASSWORD }), { code: 'ACCESS_ACCOUNT_EXISTS' });
      await assert.rejects(admin().addPerson({ name: 'bob', password: 'short' }), { code: 'ACCESS_PASSWORD_REFUSED' });
      await assert.rejects(admin().addPerson({ name: 'owner', password: PASSWORD }), { code: 'ACCESS_NAME_INVALID' });
      const { password } = await database.kysely
        .selectFrom('account')
        .select('password')
        .where('name', '=', 'alice')
        .executeTakeFirstOrThrow();
      assert.match(password ?? '', /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    });

    test('robots sign in by secret until it expires, is replaced or removed', async () => {
      const expires = now + 3_600_000;
      const { secret } = await admin().addRobot({ name: 'ci', expires });
      assert.equal((await access.authenticate(basic('ci', secret), ADDRESS)).kind, 'robot');
      assert.equal((await access.authenticate(bearer(secret), ADDRESS)).name, 'ci');
      const wrongName = access.authenticate(basic('alice', secret), ADDRESS);
      await assert.rejects(wrongName, { code: 'ACCESS_CREDENTIALS_REFUSED' });
      const rows = await database.kysely.selectFrom('account_secret').select('hash').execute();
      assert.ok(rows.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash) && !secret.includes(hash)));
      const second = await admin().addSecret('ci', { label: 'laptop' });
      await admin().removeSecret('ci', second.id);
      for (const presented of [bearer(second.secret), basic('ci', second.secret)]) {
        await assert.rejects(access.authenticate(presented, ADDRESS), { code: 'ACCESS_CREDENTIALS_REFUSED' });
      }
      await access.authenticate(bearer(secret), ADDRESS);
      now = expires + 1;
      await assert.rejects(access.authenticate(bearer(secret), ADDRESS), { code: 'ACCESS_CREDENTIALS_REFUSED' });
      await assert.rejects(access.authenticate(basic('ci', secret), ADDRESS), { code: 'ACCESS_CREDENTIALS_REFUSED' });
      await assert.rejects(admin().addRobot({ name: 'late', expires: now - 1 }), { code: 'ACCESS_EXPIRY_INVALID' });
      await assert.rejects(admin().removeSecret('ci', 9_999), { code: 'ACCESS_ACCOUNT_UNKNOWN' });
      const { accounts } = await admin().list();
      assert.equal(accounts.find(({ name }) => name === 'ci')?.secrets.length, 1);
      assert.ok(!JSON.stringify(accounts).includes('hash'));
    });

    test('tokens carry what was asked for and is granted, for five minutes', async () => {
      await admin().grant({ to: 'alice', role: 'push', on: 'team/**' });
      const alice = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      const scopes = parseScopes(['repository:team/app:pull,push,delete', 'repository:other/app:pull']);
      const { token, expiresIn } = await access.issueToken(alice, scopes, false);
      assert.equal(expiresIn, 300);
      const holder = await access.authenticate(bearer(token), ADDRESS);
      assert.deepEqual(holder.scopes, [{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }]);
      assert.ok(access.allows(holder, push('team/app')));
      assert.ok(!access.allows(holder, push('team/other')), 'granted, but not asked for');
      assert.ok(!access.allows(holder, { ...push('team/app'), action: 'delete' }));
      assert.throws(() => access.require(holder, pull('other/app')), { code: 'ACCESS_DENIED' });
      await admin().revoke({ to: 'alice', role: 'push', on: 'team/**' });
      const still = await access.authenticate(bearer(token), ADDRESS);
      assert.ok(!access.allows(still, push('team/app')), 'a grant taken back counts for tokens under way');
      await admin().grant({ to: 'alice', role: 'push', on: 'team/**' });
      now += 320_000;
      assert.ok(
        access.allows(await access.authenticate(bearer(token), ADDRESS), push('team/app')),
        'within the leeway',
      );
      now += 11_000;
      await assert.rejects(access.authenticate(bearer(token), ADDRESS), { code: 'ACCESS_TOKEN_REFUSED' });
    });

    test('forged tokens are refused', async () => {
      const alice = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      const scopes = parseScopes(['repository:team/app:pull,push']);
      const { token } = await access.issueToken(alice, scopes, false);
      const [head = '', body = '', signature = ''] = token.split('.');
      const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = decode(body);
      const header = decode(head);
      const own = JSON.parse(await readFile(join(folder, 'access', 'signing-key.json'), 'utf8')) as { jwk: object };
      const { createPrivateKey, generateKeyPairSync } = await import('node:crypto');
      const key = createPrivateKey({ key: own.jwk, format: 'jwk' } as never);
      const signed = (claim: object, head: object, by = key) =>
        new SignJWT({ ...claims, ...claim }).setProtectedHeader({ ...header, ...head } as never).sign(by);
      const stranger = generateKeyPairSync('ed25519').privateKey;
      const { x } = own.jwk as { x: string };
      const forged: Readonly<Record<string, string>> = {
        'alg none': new UnsecuredJWT(claims).encode(),
        'alg none with a signature': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
        'public key as HMAC secret': await new SignJWT(claims)
          .setProtectedHeader({ ...header, alg: 'HS256' } as never)
          .sign(Buffer.from(x, 'base64url')),
        'other body': `${head}.${encode({ ...claims, sub: 'root' })}.${signature}`,
        'other key, our kid': await signed({}, {}, stranger),
        'unknown kid': await signed({}, { kid: 'x' }),
        'kid is a path': await signed({}, { kid: '../../etc/passwd' }),
        'kid is no text': await signed({}, { kid: ['x'] as never }),
        'no kid': await signed({}, { kid: undefined }),
        'key in the header': await new SignJWT(claims)
          .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', jwk: { kty: 'OKP', crv: 'Ed25519', x } } as never)
          .sign(stranger),
        'other type': await signed({}, { typ: 'at+jwt' }),
        'critical extension': `${encode({ ...header, crit: ['x'], x: 1 })}.${body}.${signature}`,
        'other service': await signed({ aud: 'heraklit/other' }, {}),
        'other issuer': await signed({ iss: 'heraklit/other' }, {}),
        'not yet valid': await signed({ nbf: Math.floor(now / 1_000) + 600 }, {}),
        expired: await signed({ exp: Math.floor(now / 1_000) - 60 }, {}),
        'never expires': await signed({ exp: undefined }, {}),
        empty: '..',
        'no signature': `${head}.${body}.`,
        'two parts': `${head}.${body}`,
        'much text': 'a.'.repeat(9_000),
      };
      assert.equal((await access.authenticate(bearer(await signed({}, {})), ADDRESS)).name, 'alice', 'the forge works');
      for (const [how, one] of Object.entries(forged)) {
        await assert.rejects(access.authenticate(bearer(one), ADDRESS), { code: 'ACCESS_TOKEN_REFUSED' }, how);
      }
    });

    test('signing out, a new password and removal end tokens, refresh tokens and sessions', async () => {
      for (const end of [
        () => admin().signOut('carol'),
        () => admin().setPassword('carol', `${PASSWORD} two`),
        () => admin().remove('carol'),
      ]) {
        await admin()
          .remove('carol')
          .catch(() => undefined);
        await admin().addPerson({ name: 'carol', password: PASSWORD });
        const carol = await access.authenticate(basic('carol', PASSWORD), ADDRESS);
        const { token, refreshToken = '' } = await access.issueToken(carol, [], true);
        const cookie = await access.sessions.start(carol);
        assert.equal((await access.sessions.find(cookie))?.name, 'carol');
        assert.equal((await access.redeemRefreshToken(refreshToken)).name, 'carol');
        await end();
        await assert.rejects(access.authenticate(bearer(token), ADDRESS), { code: 'ACCESS_TOKEN_REFUSED' });
        await assert.rejects(access.redeemRefreshToken(refreshToken), { code: 'ACCESS_TOKEN_REFUSED' });
        assert.equal(await access.sessions.find(cookie), undefined);
      }
      const gone = access.authenticate(basic('carol', PASSWORD), ADDRESS);
      await assert.rejects(gone, { code: 'ACCESS_CREDENTIALS_REFUSED' });
      await assert.rejects(admin().setPassword('carol', PASSWORD), { code: 'ACCESS_ACCOUNT_UNKNOWN' });
      await assert.rejects(admin().setPassword('ci', PASSWORD), { code: 'ACCESS_ACCOUNT_UNKNOWN' }, 'a robot has none');
    });

    test('who gets the name of a removed account gets nothing else of it', async () => {
      await admin().addPerson({ name: 'dave', password: PASSWORD });
      await admin().grant({ to: 'dave', role: 'admin', on: '**' });
      const dave = await access.authenticate(basic('dave', PASSWORD), ADDRESS);
      const { token } = await access.issueToken(dave, parseScopes(['repository:a:push']), false);
      await admin().remove('dave');
      await admin().addPerson({ name: 'dave', password: `${PASSWORD} new` });
      await assert.rejects(access.authenticate(bearer(token), ADDRESS), { code: 'ACCESS_TOKEN_REFUSED' });
      const other = await access.authenticate(basic('dave', `${PASSWORD} new`), ADDRESS);
      assert.ok(!access.allows(other, { kind: 'admin' }));
    });

    test('a refresh token is redeemed again and again, until it is taken back or 90 days old', async () => {
      const alice = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      const first = (await access.issueToken(alice, [], true)).refreshToken ?? '';
      const second = (await access.issueToken(alice, [], true)).refreshToken ?? '';
      for (let time = 0; time < 3; time += 1) await access.redeemRefreshToken(first);
      await access.revokeRefreshToken(first);
      await assert.rejects(access.redeemRefreshToken(first), { code: 'ACCESS_TOKEN_REFUSED' });
      await access.redeemRefreshToken(second);
      await assert.rejects(access.redeemRefreshToken(''), { code: 'ACCESS_TOKEN_REFUSED' });
      now += 91 * 86_400_000;
      await assert.rejects(access.redeemRefreshToken(second), { code: 'ACCESS_TOKEN_REFUSED' });
      const anonymous = await access.authenticate({ kind: 'none' }, ADDRESS);
      assert.equal((await access.issueToken(anonymous, [], true)).refreshToken, undefined);
    });

    test('wrong passwords lock one account for one address for a while, also after a restart', async () => {
      await admin().addPerson({ name: 'erin', password: PASSWORD });
      const guess = (address: string, name = 'erin') =>
        access.authenticate(basic(name, `guess ${Math.random()}`), address);
      const results = await Promise.allSettled(Array.from({ length: 12 }, () => guess('203.0.113.9')));
      const codes = results.map((result) => (result as PromiseRejectedResult).reason.code as string);
      assert.equal(codes.filter((code) => code === 'ACCESS_CREDENTIALS_REFUSED').length, 6, 'parallel guesses too');
      assert.equal(codes.filter((code) => code === 'ACCESS_LOCKED').length, 6);
      const right = () => access.authenticate(basic('erin', PASSWORD), '203.0.113.9');
      await assert.rejects(right(), (error: { code?: string; details?: { retryAfter?: number } }) => {
        assert.equal(error.code, 'ACCESS_LOCKED');
        assert.equal(error.details?.retryAfter, 1);
        return true;
      });
      assert.equal((await access.authenticate(basic('erin', PASSWORD), '203.0.113.10')).name, 'erin', 'elsewhere');
      await access.close();
      access = await openAccess(options());
      await assert.rejects(right(), { code: 'ACCESS_LOCKED' });
      now += 1_001;
      assert.equal((await right()).name, 'erin');
      const unknown = await Promise.allSettled(
        Array.from({ length: 7 }, () => guess('203.0.113.9', 'no-such-account')),
      );
      const last = unknown.map((result) => (result as PromiseRejectedResult).reason.code as string);
      assert.ok(last.includes('ACCESS_LOCKED'), 'a name that does not exist is locked like any other');
    });

    test('a password stored under a smaller cost is stored anew when it is used', async () => {
      await access.close();
      access = await openAccess({ ...options(), cost: { ...CHEAP, passes: 2 } });
      const before = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      const row = await database.kysely.selectFrom('account').select('password').where('name', '=', 'alice').execute();
      assert.match(row[0]?.password ?? '', /m=64,t=2,p=1/);
      const after = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      assert.deepEqual(after.account, before.account, 'and nobody is signed out by it');
      await access.close();
      access = await openAccess(options());
    });

    test('keys are rotated: old tokens count until they expire; two servers check each other’s', async () => {
      const home = homeAt(await mkdtemp(join(folder, 'other-')));
      const other = await openAccess({ ...options(), home });
      const alice = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      const old = await access.issueToken(alice, [], false);
      assert.equal(
        (await other.authenticate(bearer((await access.issueToken(alice, [], false)).token), ADDRESS)).name,
        'alice',
      );
      await admin().rotateKeys();
      const fresh = await access.issueToken(alice, [], false);
      assert.notEqual(fresh.token.split('.')[0], old.token.split('.')[0]);
      for (const { token } of [old, fresh])
        assert.equal((await access.authenticate(bearer(token), ADDRESS)).name, 'alice');
      await other.close();
      const file = join(folder, 'access', 'signing-key.json');
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      await chmod(file, 0o640);
      await assert.rejects(openAccess(options()), { code: 'ACCESS_KEY_BROKEN' });
      const content = await readFile(file, 'utf8');
      await writeFile(file, content.slice(0, 40));
      await chmod(file, 0o600);
      await assert.rejects(openAccess(options()), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ACCESS_KEY_BROKEN');
        assert.ok(!error.message.includes('"d"'), 'quotes nothing of the key');
        return true;
      });
      await writeFile(file, content);
    });

    test('grants of a fleet file are replaced as a whole and leave the others alone', async () => {
      await access.close();
      access = await openAccess({ ...options(), grants: [{ to: 'anonymous', role: 'pull', on: 'public/**' }] });
      const nobody = await access.authenticate({ kind: 'none' }, ADDRESS);
      assert.ok(access.allows(nobody, pull('public/x')));
      await assert.rejects(admin().revoke({ to: 'anonymous', role: 'pull', on: 'public/**' }), {
        code: 'ACCESS_GRANT_UNKNOWN',
      });
      await access.close();
      access = await openAccess(options());
      assert.ok(!access.allows(nobody, pull('public/x')));
      const alice = await access.authenticate(basic('alice', PASSWORD), ADDRESS);
      assert.ok(access.allows(alice, push('team/app')));
      await assert.rejects(admin().grant({ to: 'alice', role: 'king', on: '**' }), { code: 'ACCESS_ROLE_INVALID' });
      await assert.rejects(admin().grant({ to: 'alice', role: 'pull', on: '/' }), { code: 'ACCESS_PATTERN_INVALID' });
      await assert.rejects(admin().grant({ to: 'A b', role: 'pull', on: '**' }), { code: 'ACCESS_NAME_INVALID' });
    });

    test('the audit log: in the transaction, in pages, cut, and removed after its time', async () => {
      const entry = (n: number) =>
        ({ actor: 'auditor', action: 'manifest.push', repository: 'a/b', reference: `v${n}`, result: 'done' }) as const;
      const failing = database.transaction(async (trx) => {
        await writeAudit(trx, [entry(0)]);
        throw new Error('rolled back');
      });
      await assert.rejects(failing, /rolled back/);
      for (let n = 1; n <= 25; n += 1) access.note(entry(n));
      await access.close();
      access = await openAccess(options());
      const seen: string[] = [];
      let before: number | undefined;
      do {
        const page = await admin().audit({ actor: 'auditor', limit: 10, before });
        seen.push(...page.entries.map(({ reference = '' }) => reference));
        before = page.next;
      } while (before !== undefined);
      assert.deepEqual(
        seen,
        Array.from({ length: 25 }, (_, n) => `v${25 - n}`),
      );
      assert.equal((await admin().audit({ repository: 'a/b', action: 'tag.delete' })).entries.length, 0);
      await database.transaction((trx) =>
        writeAudit(trx, [{ ...entry(0), detail: `\0${'x'.repeat(2_000)}`, actor: 'long' }]),
      );
      assert.equal((await admin().audit({ actor: 'long' })).entries[0]?.detail?.length, 512);
      const changes = await admin().audit({ actor: 'tester', action: 'grant.add' });
      assert.ok(changes.entries.some(({ reference, detail }) => reference === 'alice' && detail === 'push on team/**'));
      const failed = await admin().audit({ action: 'sign-in' });
      assert.deepEqual(
        new Set(failed.entries.map(({ actor }) => actor)),
        new Set(['alice', 'erin', 'ci', '(unknown)']),
      );
      const all = JSON.stringify(await admin().audit({ limit: 1_000 }));
      assert.ok(!all.includes(PASSWORD) && !all.includes('hrk_') && !all.includes('argon2'));
      await access.close();
      now = Math.max(now, Date.now()) + 400 * 86_400_000;
      access = await openAccess(options());
      assert.equal((await admin().audit({})).entries.length, 0, 'a year by default');
    });
  });
}
