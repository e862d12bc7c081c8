import type { Workload } from '../port.ts';
import type { Labels } from './labels.ts';

/** Podman and quadlet write it on containers that a systemd unit starts. */
const UNIT = 'PODMAN_SYSTEMD_UNIT';
/** `registry`: `podman auto-update` follows the tag; `local`: what the name means on the host. @see podman-auto-update(1) */
const AUTO_UPDATE = ['io.containers.autoupdate', 'io.containers.auto-update'];

/** A unit's name goes into a command for people: nothing of a shell's. @see systemd.unit(5) */
const NAME = /^[A-Za-z0-9:_.\\@-]{1,255}$/;

export interface SystemdUnit {
  readonly name: string;
  readonly autoUpdate: 'registry' | 'local' | undefined;
}

/** The unit that makes a container; undefined where none does. */
export function unitOf(labels: Labels): SystemdUnit | undefined {
  const text = labels[UNIT];
  if (text === undefined || text === '') return undefined;
  const policy = AUTO_UPDATE.map((label) => labels[label]).find((value) => value !== undefined);
  const autoUpdate = policy === 'image' ? 'registry' : policy === 'registry' || policy === 'local' ? policy : undefined;
  return { name: NAME.test(text) ? text : 'UNIT', autoUpdate };
}

/** Who has the say: campaigns leave it alone, as they leave what git writes. */
export function writtenBySystemd(labels: Labels): Workload['managedBy'] {
  const unit = unitOf(labels);
  return unit === undefined ? undefined : { by: 'systemd', id: unit.name };
}

/** What a person does instead, on the container's host. @param image wanted, with its digest */
export function systemdPlan({ name, autoUpdate }: SystemdUnit, image: string): string {
  if (autoUpdate === 'registry') {
    return `It follows its tag: once the tag is released to this image, \`podman auto-update\` (or its timer) restarts ${name}, and takes it back where it does not start.`;
  }
  if (autoUpdate === 'local') {
    return `It follows what its image's name means on the host: \`podman pull ${image}\`, \`podman tag\` it to that name, then \`podman auto-update\`.`;
  }
  const quadlet = `${name.replace(/\.service$/, '')}.container`;
  return `In ${quadlet} (/etc/containers/systemd, or ~/.config/containers/systemd): Image=${image}; then \`systemctl daemon-reload && systemctl restart ${name}\`, with --user for an account's own.`;
}
