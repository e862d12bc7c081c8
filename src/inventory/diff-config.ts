import type { ImageConfig } from '../oci/index.ts';

/** One setting of the image config that differs. Values are JSON; undefined where one side has none. */
export interface ConfigChange {
  /** `env.PATH`, `labels.maintainer`, `entrypoint`, `user`, … */
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What a runtime would do differently, setting by setting; times, authors and history are not compared. */
export function diffConfig(before: ImageConfig | undefined, after: ImageConfig | undefined): readonly ConfigChange[] {
  const old = settings(before);
  const now = settings(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key)))
    .map((key) => ({ key, from: old.get(key), to: now.get(key) }));
}

function settings(image: ImageConfig | undefined): ReadonlyMap<string, unknown> {
  const all = new Map<string, unknown>();
  if (image === undefined) return all;
  const { config } = image;
  all.set('platform', [image.os, image.architecture, image.variant].filter((part) => part !== undefined).join('/'));
  const plain = {
    user: config?.User,
    entrypoint: config?.Entrypoint,
    cmd: config?.Cmd,
    workdir: config?.WorkingDir,
    stopsignal: config?.StopSignal,
  };
  // An empty setting and a missing one mean the same to a runtime.
  for (const [key, value] of Object.entries(plain)) if (value !== undefined && value.length > 0) all.set(key, value);
  for (const line of config?.Env ?? []) {
    const equals = line.indexOf('=');
    all.set(`env.${equals < 0 ? line : line.slice(0, equals)}`, equals < 0 ? '' : line.slice(equals + 1));
  }
  for (const [key, value] of Object.entries(config?.Labels ?? {})) all.set(`labels.${key}`, value);
  for (const port of Object.keys(config?.ExposedPorts ?? {})) all.set(`ports.${port}`, true);
  for (const path of Object.keys(config?.Volumes ?? {})) all.set(`volumes.${path}`, true);
  return all;
}
