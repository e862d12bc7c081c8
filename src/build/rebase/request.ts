import type { ResolvedImage } from '../../oci/index.ts';
import type { PreparedBase } from './prepare-base.ts';

export interface RebaseRequest {
  readonly child: ResolvedImage;
  readonly oldBase: PreparedBase;
  readonly newBase: PreparedBase;
  /** Goes to `org.opencontainers.image.base.name`. */
  readonly baseName?: string;
}
