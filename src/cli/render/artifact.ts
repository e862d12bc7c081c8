import type { PulledArtifact, PushedArtifact, Referrer } from '../../artifact/index.ts';
import type { Descriptor } from '../../oci/index.ts';
import { printable } from './table.ts';
import { bytesText, count } from './words.ts';

const TITLE = 'org.opencontainers.image.title';

const titleOf = ({ annotations, mediaType }: Descriptor): string => printable(annotations?.[TITLE] ?? mediaType);

/** What was pushed, and the reference it is found under. */
export function renderPushed({
  reference,
  subject,
  descriptor,
  files,
}: PushedArtifact & { readonly reference: string; readonly subject?: string }): string {
  return [
    `${reference}${subject === undefined ? '' : `, about ${subject}`}`,
    `${descriptor.digest}  ${printable(descriptor.artifactType ?? descriptor.mediaType)}`,
    ...files.map((file) => `  ${titleOf(file)}  ${bytesText(file.size)}  ${printable(file.mediaType)}`),
  ].join('\n');
}

export function renderPulled({ descriptor, files, unnamed }: Omit<PulledArtifact, 'manifest'>): string {
  const lines = files.map(({ path, descriptor: { size } }) => `${printable(path)}  ${bytesText(size)}`);
  if (unnamed.length > 0) lines.push(`${count(unnamed.length, 'blob')} without a file name left out`);
  if (lines.length === 0) lines.push('no files');
  return [...lines, descriptor.digest].join('\n');
}

/** A tree: what refers to the subject, and what refers to that. */
export function renderReferrers(reference: string, subject: Descriptor, referrers: readonly Referrer[]): string {
  const head = `${printable(reference)}  ${subject.digest}`;
  return [head, ...(referrers.length === 0 ? ['nothing refers to it'] : branches(referrers, ''))].join('\n');
}

function branches(referrers: readonly Referrer[], indent: string): readonly string[] {
  return referrers.flatMap(({ descriptor, referrers: below }, at) => {
    const last = at === referrers.length - 1;
    const created = descriptor.annotations?.['org.opencontainers.image.created'];
    const type = printable(descriptor.artifactType ?? descriptor.mediaType);
    const line = `${indent}${last ? '└─' : '├─'} ${type}  ${descriptor.digest}${created === undefined ? '' : `  ${printable(created)}`}`;
    return [line, ...branches(below, `${indent}${last ? '   ' : '│  '}`)];
  });
}
