import { type Document, isMap, isSeq } from 'yaml';

/** What Flux and Argo CD are told beside an object, which decides whether and when a digest in git runs. */

const text = (document: Document.Parsed, path: readonly string[]): string | undefined => {
  const value = isMap(document.contents) ? document.getIn(path) : undefined;
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
};

const annotation = (document: Document.Parsed, name: string): string | undefined =>
  text(document, ['metadata', 'annotations', name]);

/**
 * Why what stands in a document is not brought to the cluster: Flux leaves such objects alone.
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
 */
export function heldOf(document: Document.Parsed): string | undefined {
  // Of either place: Flux reads labels, too.
  const flux = (name: string): string | undefined =>
    annotation(document, `kustomize.toolkit.fluxcd.io/${name}`) ??
    text(document, ['metadata', 'labels', `kustomize.toolkit.fluxcd.io/${name}`]);
  if (flux('reconcile')?.toLowerCase() === 'disabled') {
    return 'Flux does not apply it (kustomize.toolkit.fluxcd.io/reconcile: disabled)';
  }
  const apply = flux('ssa')?.toLowerCase();
  if (apply === 'ignore' || apply === 'ifnotpresent') {
    return `Flux does not change it (kustomize.toolkit.fluxcd.io/ssa: ${apply === 'ignore' ? 'Ignore' : 'IfNotPresent'})`;
  }
  return undefined;
}

/**
 * What people should know of how a file gets to the cluster. Written to all the same: it counts once somebody lets it.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/
 */
export function notesOf(documents: readonly Document.Parsed[]): readonly string[] {
  return [...new Set(documents.flatMap((one) => [...argoNotes(one), ...fluxNotes(one), ...windowNotes(one)]))];
}

const GROUP = /^([^/]+)\//;
const groupOf = (document: Document.Parsed): string => GROUP.exec(text(document, ['apiVersion']) ?? '')?.[1] ?? '';
const titleOf = (document: Document.Parsed): string =>
  `${text(document, ['kind']) ?? ''} ${text(document, ['metadata', 'name']) ?? ''}`.trim();

/** Options with which Argo CD makes an object anew, so that its own strategy does not count. */
const ANEW = new Set(['Replace=true', 'Force=true']);

function argoNotes(document: Document.Parsed): readonly string[] {
  const title = titleOf(document);
  const options = (annotation(document, 'argocd.argoproj.io/sync-options') ?? '').split(',').map((one) => one.trim());
  const notes = options.flatMap((option) =>
    ANEW.has(option)
      ? [`${title}: Argo CD makes it anew (sync-options: ${option}); its own strategy does not count`]
      : [],
  );
  if (groupOf(document) !== 'argoproj.io' || text(document, ['kind']) !== 'Application') return notes;
  if (annotation(document, 'argocd.argoproj.io/skip-reconcile') === 'true') {
    return [...notes, `${title}: Argo CD does not look at it (skip-reconcile)`];
  }
  const path = ['spec', 'syncPolicy', 'automated'];
  const automated = document.hasIn(path) && document.getIn(path) !== false;
  const off = text(document, [...path, 'enabled']) === 'false';
  return automated && !off
    ? notes
    : [...notes, `${title}: Argo CD syncs it when somebody asks (no syncPolicy.automated)`];
}

function fluxNotes(document: Document.Parsed): readonly string[] {
  if (!groupOf(document).endsWith('.toolkit.fluxcd.io') || text(document, ['spec', 'suspend']) !== 'true') return [];
  return [`${titleOf(document)}: Flux is suspended (spec.suspend)`];
}

function windowNotes(document: Document.Parsed): readonly string[] {
  const windows = groupOf(document) === 'argoproj.io' ? document.getIn(['spec', 'syncWindows']) : undefined;
  if (!isSeq(windows)) return [];
  return windows.items.flatMap((window) => {
    if (!isMap(window)) return [];
    const field = (name: string): string => {
      const value = window.get(name);
      return isSeq(value) ? value.toJSON().join(', ') : typeof value === 'string' ? value : '';
    };
    const of = [field('applications'), field('namespaces'), field('clusters')].filter((one) => one !== '').join('; ');
    const zone = field('timeZone') === '' ? 'UTC' : field('timeZone');
    const when = `${field('schedule')} for ${field('duration')}, ${zone}`;
    return [`${titleOf(document)}: sync window ${field('kind')} (${when}) of ${of === '' ? 'nothing' : of}`];
  });
}
