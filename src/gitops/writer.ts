import type { Workload } from '../runtime/index.ts';

/** Beside a field that Flux writes. @see https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources */
const FLUX = /#[^\n]*\{\s*"\$imagepolicy"\s*:\s*"([^":\s]+:[^":\s]+)(?::[a-z]+)?"\s*\}/;
/** On an Application whose images Argo CD's updater writes. @see https://argocd-image-updater.readthedocs.io/en/stable/basics/update-methods/ */
const ARGOCD = /^\s+["']?argocd-image-updater\.argoproj\.io\/image-list["']?\s*:/m;

/** Who else writes the images of a file; undefined where nobody says so. */
export function writerOf(text: string): NonNullable<Workload['managedBy']> | undefined {
  const policy = FLUX.exec(text)?.[1];
  if (policy !== undefined) return { by: 'flux', id: `image policy ${policy}` };
  return ARGOCD.test(text) ? { by: 'argocd', id: 'image updater' } : undefined;
}
