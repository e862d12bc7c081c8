import type { Member, MemberObserver, MemberOutput } from '../members.ts';
import { MOST_LINES, readTimedLines } from '../timed-lines.ts';
import { refused } from './answers.ts';
import type { KubernetesClient } from './client.ts';
import { type Pod, pathOf } from './objects.ts';

/** Bytes of one look into a pod's log. */
const MAX_LOG = 16 * 1024 * 1024;

/** Restarts and logs of pods. Logs need `get` on `pods/log`. */
export function podObserver(client: () => Promise<KubernetesClient>): MemberObserver {
  return {
    restarts: async ({ namespace, container, name }: Member, signal) => {
      const call = { path: pathOf('Pod', namespace, name), signal };
      const answer = await (await client()).call(call);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refused(call, answer);
      const statuses = (answer.body as Pod).status?.containerStatuses ?? [];
      return statuses.find((one) => one.name === container)?.restartCount ?? 0;
    },
    output: async ({ namespace, container, name }: Member, since, signal): Promise<MemberOutput | undefined> => {
      const query = {
        container,
        sinceTime: since.toISOString(),
        timestamps: 'true',
        tailLines: String(MOST_LINES),
        limitBytes: String(MAX_LOG),
      };
      const call = { path: `${pathOf('Pod', namespace, name)}/log`, query, raw: true, signal };
      const answer = await (await client()).call(call);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refused(call, answer);
      return readTimedLines(answer.body as string);
    },
  };
}
