import { digest, invalid, list, object, optional, parseObject, text, textMap, texts, withoutNulls } from './shape.ts';
import type { HistoryEntry, ImageConfig, RuntimeConfig } from './types.ts';

const MAX_DIFF_IDS = 1000;
const MAX_HISTORY = 10_000;
const MAX_ARGUMENTS = 10_000;

const argumentsList = (value: unknown, where: string): void => void texts(value, where, MAX_ARGUMENTS);
const members = (value: unknown, where: string): void => void object(value, where);

function runtimeConfig(value: unknown, where: string): RuntimeConfig {
  const config = withoutNulls(object(value, where));
  optional(config, where, {
    User: text,
    ExposedPorts: members,
    Env: argumentsList,
    Entrypoint: argumentsList,
    Cmd: argumentsList,
    Volumes: members,
    WorkingDir: text,
    Labels: textMap,
    StopSignal: text,
  });
  return config as RuntimeConfig;
}

function historyEntry(value: unknown, where: string): HistoryEntry {
  const entry = withoutNulls(object(value, where));
  optional(entry, where, { created: text, created_by: text, author: text, comment: text });
  if (entry.empty_layer !== undefined && typeof entry.empty_layer !== 'boolean') {
    invalid(`${where}.empty_layer`, 'not true or false');
  }
  return entry as HistoryEntry;
}

/**
 * An image config (image-spec config.md); members we do not know are kept, null members are dropped.
 * @throws OCI_MANIFEST_INVALID, OCI_MANIFEST_TOO_LARGE
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const where = 'image config';
  const config = withoutNulls(parseObject(bytes, where));
  const architecture = text(config.architecture, `${where}.architecture`);
  const os = text(config.os, `${where}.os`);
  optional(config, where, { created: text, author: text, variant: text });
  const rootfs = object(config.rootfs, `${where}.rootfs`);
  if (rootfs.type !== 'layers') invalid(`${where}.rootfs.type`, 'not "layers"');
  const diffIds = list(rootfs.diff_ids ?? null, `${where}.rootfs.diff_ids`, MAX_DIFF_IDS);
  for (const [index, diffId] of diffIds.entries()) digest(diffId, `${where}.rootfs.diff_ids[${index}]`);
  const history =
    config.history === undefined ? undefined : list(config.history, `${where}.history`, MAX_HISTORY).map(entryAt);
  return {
    ...config,
    architecture,
    os,
    rootfs: { ...rootfs, type: 'layers', diff_ids: diffIds as ImageConfig['rootfs']['diff_ids'] },
    ...(config.config === undefined ? {} : { config: runtimeConfig(config.config, `${where}.config`) }),
    ...(history === undefined ? {} : { history }),
  };
}

const entryAt = (entry: unknown, index: number): HistoryEntry => historyEntry(entry, `image config.history[${index}]`);
