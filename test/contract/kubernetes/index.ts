import { describe } from 'node:test';
import { blueGreenContract } from './blue-green.ts';
import { canaryContract } from './canary.ts';
import { claimContract } from './claims.ts';
import { foreignContract } from './foreign.ts';
import { rollingContract } from './rolling.ts';
import { trafficContract } from './traffic.ts';
import { type ClusterUnderTest, onCluster } from './world.ts';

/** What a rollout promises on Kubernetes, beyond what every runtime does. */
export function kubernetesRolloutContract(
  title: string,
  setup: () => Promise<ClusterUnderTest | { readonly skip: string }>,
): void {
  onCluster(title, setup, (tools) => {
    describe('rolling', () => rollingContract(tools));
    describe('canary', () => canaryContract(tools));
    describe('claims', () => claimContract(tools));
    describe('traffic', () => trafficContract(tools));
    describe('foreign', () => foreignContract(tools));
    describe('blue-green', () => blueGreenContract(tools));
  });
}
