import type { DatabaseReader } from '../../database/index.ts';
import { recogniseBase } from '../../inventory/store/index.ts';
import type { ImageBase } from '../base-contract.ts';
import { httpError } from '../errors.ts';
import { namedImage } from './known-image.ts';

/** @throws HTTP_NOT_FOUND */
export async function readBase(reader: DatabaseReader, wanted: string): Promise<ImageBase> {
  const { reference, digest } = await namedImage(reader, wanted);
  if (digest === undefined) throw httpError('HTTP_NOT_FOUND', `${wanted} is not built yet`);
  const base = await recogniseBase(reader, digest);
  if (base === undefined) return { image: reference, base: null };
  const guess =
    base.kind === 'known'
      ? { score: null, same: null, named: null, packages: null }
      : { score: base.score, same: base.same, named: base.named, packages: base.packages };
  const { digest: stands, evidence, reference: name = null } = base;
  return { image: reference, base: { digest: stands, reference: name, evidence, ...guess } };
}
