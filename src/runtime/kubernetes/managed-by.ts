import type { Workload } from '../port.ts';
import type { ObjectMeta } from './objects.ts';

/**
 * Who writes an object time and again: a change beside them would not last.
 * @see https://helm.sh/docs/topics/v3_release_management
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/
 */
export function managedBy({ labels = {}, annotations = {} }: ObjectMeta, cluster: string): Workload['managedBy'] {
  const kustomization = labels['kustomize.toolkit.fluxcd.io/name'];
  if (kustomization !== undefined && !isLetGo({ ...labels, ...annotations })) {
    return { by: 'flux', id: `${labels['kustomize.toolkit.fluxcd.io/namespace'] ?? ''}/${kustomization}` };
  }
  // A release that Flux makes is Flux's to change.
  const flux = labels['helm.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return { by: 'flux', id: `${labels['helm.toolkit.fluxcd.io/namespace'] ?? ''}/${flux}` };
  const tracked = annotations['argocd.argoproj.io/tracking-id'];
  if (tracked !== undefined) return { by: 'argocd', id: tracked.split(':', 1)[0] ?? '' };
  const release = annotations['meta.helm.sh/release-name'];
  const namespace = annotations['meta.helm.sh/release-namespace'];
  if (release === undefined || namespace === undefined || labels['app.kubernetes.io/managed-by'] !== 'Helm') {
    return undefined;
  }
  return { by: 'helm', id: `helm:${cluster}/${namespace}/${release}` };
}

/**
 * Flux applies it no more, or only made it once: what is changed in the cluster lasts.
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
 */
function isLetGo(metadata: Readonly<Record<string, string>>): boolean {
  const word = (name: string): string | undefined => metadata[`kustomize.toolkit.fluxcd.io/${name}`]?.toLowerCase();
  return word('reconcile') === 'disabled' || ['ignore', 'ifnotpresent'].includes(word('ssa') ?? '');
}
