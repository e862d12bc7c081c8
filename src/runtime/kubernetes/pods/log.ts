import { type KubernetesClient, refused } from '../client.ts';
import { pathOf } from '../objects.ts';
import type { PodPlace } from './socket.ts';

/** Lines asked for, by the bytes that are kept: lines are longer on average. A line of a node's log has 16 KiB at most. */
const BYTES_A_LINE = 24;
const MOST_LINES = 16_000;

/**
 * The last bytes a container wrote, both streams in one, as Kubernetes keeps them; nothing when it never ran or is gone.
 * @throws KUBERNETES_REFUSED, KUBERNETES_UNAVAILABLE
 */
export async function podLog(
  client: KubernetesClient,
  place: PodPlace,
  keep: number,
  signal?: AbortSignal,
): Promise<{ readonly text: string; readonly truncated: boolean }> {
  const lines = Math.min(MOST_LINES, Math.ceil(keep / BYTES_A_LINE));
  const query = { container: place.container, tailLines: String(lines) };
  const call = { path: `${pathOf('Pod', place.namespace, place.pod)}/log`, query, raw: true, signal };
  const answer = await client.call(call);
  // 400: it has not started.
  if (answer.status === 404 || answer.status === 400) return { text: '', truncated: false };
  if (answer.status !== 200) throw refused(call, answer);
  const bytes = Buffer.from(String(answer.body));
  const all = String(answer.body).split('\n').length;
  return {
    text: bytes.subarray(Math.max(0, bytes.length - keep)).toString(),
    truncated: bytes.length > keep || all > lines,
  };
}
