import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAccess } from '../../src/access/index.ts';
import { homeAt } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { accessContract } from '../contract/access.ts';
import { postgresqlPrograms, startCluster, type TestCluster } from '../support/postgresql.ts';

const programs = postgresqlPrograms();

if (programs === undefined) test('accounts on PostgreSQL', (context) => context.skip('postgresql not installed'));
else {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(programs);
  });
  after(() => cluster.stop());

  accessContract('PostgreSQL', async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }));

  test('what one server changes, another one heeds soon', async () => {
    const url = await cluster.createDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'access-two-'));
    const databases = await Promise.all([url, url].map((one) => openDatabase({ kind: 'postgresql', url: one })));
    const [one, two] = await Promise.all(
      databases.map((database, index) => openAccess({ database, home: homeAt(join(folder, String(index))) })),
    );
    assert.ok(one && two);
    const admin = one.admin({ name: 'tester' });
    const { secret } = await admin.addRobot({ name: 'ci' });
    const presented = { kind: 'bearer', token: secret } as const;
    const robot = await two.authenticate(presented, '192.0.2.1');
    const { token } = await one.issueToken(robot, [], false);
    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      while (!(await condition())) await sleep(20);
    };
    const works = (credentials: string) => () =>
      two.authenticate({ kind: 'bearer', token: credentials }, '192.0.2.1').then(
        () => true,
        () => false,
      );
    await until(works(token));
    await admin.remove('ci');
    await until(async () => !(await works(token)()));
    await until(async () => !(await works(secret)()));
    await Promise.all([one, two].map((access) => access.close()));
    await Promise.all(databases.map((database) => database.close()));
    await rm(folder, { recursive: true });
  });
}
