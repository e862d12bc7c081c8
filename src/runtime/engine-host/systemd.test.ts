import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemdPlan, unitOf, writtenBySystemd } from './systemd.ts';

const IMAGE = `r.example/web@sha256:${'a'.repeat(64)}`;

test('a container of a systemd unit is known, and what to do instead is said', () => {
  const unit = { PODMAN_SYSTEMD_UNIT: 'web.service' };
  assert.deepEqual(writtenBySystemd(unit), { by: 'systemd', id: 'web.service' });
  assert.equal(writtenBySystemd({ app: 'web' }), undefined);
  assert.equal(unitOf({ PODMAN_SYSTEMD_UNIT: '' }), undefined);
  const plan = (labels: Record<string, string>): string => {
    const found = unitOf({ ...unit, ...labels });
    assert.ok(found);
    return systemdPlan(found, IMAGE);
  };
  assert.match(plan({}), new RegExp(`^In web\\.container .*Image=${IMAGE}; then .*systemctl restart web\\.service`));
  for (const value of ['registry', 'image']) {
    const text = plan({ 'io.containers.autoupdate': value });
    assert.match(text, /podman auto-update/);
    assert.doesNotMatch(text, /Image=/, 'a digest in the unit would end the following of its tag');
  }
  assert.match(plan({ 'io.containers.autoupdate': 'local' }), /podman pull r\.example.*podman auto-update/);
  assert.match(plan({ 'io.containers.autoupdate': 'disabled' }), /Image=/);
  const hostile = unitOf({ PODMAN_SYSTEMD_UNIT: 'x; rm -rf /' });
  assert.equal(hostile?.name, 'UNIT');
});
