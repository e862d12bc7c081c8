import { resolve } from 'node:path';
import type { Database } from '../database/index.ts';
import type { LoadedFleet, SourceLook, WatchedImage, WebhookReceiver } from '../engine/index.ts';
import type { Forge } from '../forge/index.ts';
import type { CliContext } from './context.ts';

/** A fleet file, with what its sources are now; only images of `images` are asked, when given. */
export async function loadFleetAndSources(
  file: string,
  context: CliContext,
  options: { readonly offline?: boolean; readonly images?: ReadonlySet<string> } = {},
): Promise<LoadedFleet> {
  const [{ loadEngineFleet }, { openSources }] = await Promise.all([
    import('../engine/index.ts'),
    import('../source/index.ts'),
  ]);
  const { home, log, signal } = context;
  const { offline, images } = options;
  const sources = openSources({ home, log, signal, ...(offline === undefined ? {} : { offline }) });
  const look: SourceLook = { sources, ...(images === undefined ? {} : { images }) };
  const fleet = await loadEngineFleet(file, look);
  for (const { code, image, message } of fleet.problems) log.warn(`${image}: ${code}: ${message}`);
  return fleet;
}

/** The forges of a fleet; their secrets are read from their files whenever they are needed. */
export async function forgesOf({ document, directory }: LoadedFleet): Promise<readonly Forge[]> {
  const [{ defaultApi }, { readSecret }] = await Promise.all([
    import('../forge/index.ts'),
    import('../source/index.ts'),
  ]);
  const secret = (file: string) => (): Promise<string> => readSecret(resolve(directory, file));
  return (document.forges ?? []).map(({ type, url, api, tokenFile, webhookSecretFile }) => ({
    kind: type,
    url,
    api: api?.replace(/\/+$/, '') ?? defaultApi(type, url),
    ...(tokenFile === undefined ? {} : { token: secret(tokenFile) }),
    ...(webhookSecretFile === undefined ? {} : { webhookSecret: secret(webhookSecretFile) }),
  }));
}

/** Takes webhooks of the fleet's forges for its images. */
export async function openWebhooks(fleet: LoadedFleet, database: Database): Promise<WebhookReceiver> {
  const { webhookReceiver } = await import('../engine/index.ts');
  const images = watchedImages(fleet);
  return webhookReceiver({ database, fleet: fleet.fleet.name, forges: await forgesOf(fleet), images });
}

/** Images of the fleet file that come from git. */
function watchedImages({ document }: LoadedFleet): readonly WatchedImage[] {
  return document.images.flatMap(({ name, source }) =>
    name === undefined || source?.git === undefined ? [] : [{ image: name, url: source.git.url, ref: source.git.ref }],
  );
}
