import { type ClusterPods, type ClusterPodsOptions, openClusterPods, ownerLabels } from '../../../runtime/index.ts';
import { verifyError } from '../../errors.ts';
import type { Part, TestRunner } from '../port.ts';
import { numericUser, TEST_LABEL, type TestPlacement } from './job-body.ts';
import { ClusterWorld } from './world.ts';

/** A kubelet lists its containers once a second, and says what it saw after that. */
const LAG = 2_500;

export interface KubernetesRunnerOptions extends ClusterPodsOptions, TestPlacement {}

const invalid = (what: string, hint: string): Error => verifyError('VERIFY_TESTS_INVALID', what, { hint });

/** @throws VERIFY_TESTS_INVALID what pods cannot do, before anything is started */
function check(parts: readonly Part[], execUsers: readonly string[]): void {
  const mounted = new Map<string, string>();
  for (const { name, user, mounts } of parts) {
    if (user !== undefined && numericUser(user) === undefined) {
      throw invalid(`${name} is to run as ${user}, and Kubernetes knows users by number`, 'Write UID or UID:GID.');
    }
    for (const { source } of mounts) {
      if (source.kind === 'host') {
        throw invalid(
          `${name} mounts a folder of this host, which no pod of a cluster has`,
          'Put the files into an image.',
        );
      }
      const other = mounted.get(source.name);
      if (other !== undefined && other !== name) {
        throw invalid(
          `${other} and ${name} share the volume ${source.name}, which pods of different nodes cannot`,
          'Give each a volume of its own, or test it on podman or Docker.',
        );
      }
      mounted.set(source.name, name);
    }
  }
  const [user] = execUsers;
  if (user === undefined) return;
  throw invalid(
    `a step runs a command as ${user}, and Kubernetes runs it as the container's own user`,
    'Leave `user` out, or use a step `test` with `user`.',
  );
}

/** Tests as Jobs of a cluster, in one namespace of it. */
export function kubernetesRunner(options: KubernetesRunnerOptions): TestRunner & { close(): Promise<void> } {
  const { pullSecret, nodeSelector, runtimeClass, ...where } = options;
  const placement = {
    ...(pullSecret === undefined ? {} : { pullSecret }),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(runtimeClass === undefined ? {} : { runtimeClass }),
  };
  const pods: ClusterPods = openClusterPods(where);
  return {
    name: 'kubernetes',
    lag: LAG,
    check,
    unavailable: async () => await pods.unavailable(),
    reap: async () => await pods.reap(TEST_LABEL),
    open: async (request) => {
      const world = new ClusterWorld(pods, request, await ownerLabels(request.deadline), placement);
      await world.isolate();
      return world;
    },
    close: async () => await pods.close(),
  };
}
