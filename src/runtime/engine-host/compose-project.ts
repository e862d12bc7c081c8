import type { Labels } from './labels.ts';

/** What `docker compose` and `podman-compose` write on the containers of a project. */
const PROJECT = ['com.docker.compose.project', 'io.podman.compose.project'];
const SERVICE = ['com.docker.compose.service', 'io.podman.compose.service'];
const NUMBER = 'com.docker.compose.container-number';
/** A container of `compose run`: it belongs to whoever started it. */
const ONE_OFF = 'com.docker.compose.oneoff';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

const labelled = (labels: Labels, names: readonly string[]): string | undefined =>
  names.map((name) => labels[name]).find((text) => text !== undefined && NAME.test(text));

/** `PROJECT/SERVICE` of a container that belongs to a service of a compose project. */
export function composeService(labels: Labels): string | undefined {
  const project = labelled(labels, PROJECT);
  const service = labelled(labels, SERVICE);
  if (project === undefined || service === undefined || labels[ONE_OFF]?.toLowerCase() === 'true') return undefined;
  return `${project}/${service}`;
}

/** 1…N inside its service. */
export function composeNumber(labels: Labels): number | undefined {
  const number = Number(labels[NUMBER]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
