import { composeError } from '../errors.ts';
import type { Lock } from '../lock-form.ts';
import type { ComposedImage, ComposeRequest } from '../types.ts';

export async function composeRpm(request: ComposeRequest): Promise<ComposedImage> {
  throw composeError('COMPOSE_FAMILY', `${request.recipe.name}: rpm`);
}

export async function lockRpm(request: ComposeRequest): Promise<Lock> {
  throw composeError('COMPOSE_FAMILY', `${request.recipe.name}: rpm`);
}
