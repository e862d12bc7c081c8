import { events001 } from './001-events.ts';
import { registry002 } from './002-registry.ts';
import { inventory003 } from './003-inventory.ts';
import { engine004 } from './004-engine.ts';
import { rollout005 } from './005-rollout.ts';
import { registryCollection040 } from './040-registry-collection.ts';
import { access050 } from './050-access.ts';
import { fleets060 } from './060-fleets.ts';
import { pushes061 } from './061-pushes.ts';
import { outboxRetention062 } from './062-outbox-retention.ts';
import { rpmModules070 } from './070-rpm-modules.ts';
import { advisories078 } from './078-advisories.ts';
import { fleetQueries081 } from './081-fleet-queries.ts';
import { files082 } from './082-files.ts';
import { advisoryNames083 } from './083-advisory-names.ts';
import { crawl086 } from './086-crawl.ts';
import { outdatedSets100 } from './100-outdated-sets.ts';
import { imageNames101 } from './101-image-names.ts';
import { languageSets102 } from './102-language-sets.ts';
import { usage105 } from './105-usage.ts';
import { hosts106 } from './106-hosts.ts';
import { crawlStatus107 } from './107-crawl-status.ts';
import { sources110 } from './110-sources.ts';
import { webhooks111 } from './111-webhooks.ts';
import { alternatives115 } from './115-alternatives.ts';
import { workloadImages120 } from './120-workload-images.ts';
import { rolloutState123 } from './123-rollout-state.ts';
import { analysis127 } from './127-analysis.ts';
import { renewals128 } from './128-renewals.ts';
import { verifications130 } from './130-verifications.ts';
import { runtimeState135 } from './135-runtime-state.ts';
import { approvalsProposals137 } from './137-approvals-proposals.ts';
import type { Migration } from './migration.ts';

/**
 * Every migration in the order it runs. Static, so that a compiled package needs no folder listing.
 * Numbers: 001 events, 002 registry, 003 inventory, 004 engine, 005 rollout; later ones count on from 010.
 */
export const MIGRATIONS: readonly Migration[] = [
  events001,
  registry002,
  inventory003,
  engine004,
  rollout005,
  registryCollection040,
  access050,
  fleets060,
  pushes061,
  outboxRetention062,
  rpmModules070,
  advisories078,
  fleetQueries081,
  files082,
  advisoryNames083,
  crawl086,
  outdatedSets100,
  imageNames101,
  languageSets102,
  usage105,
  hosts106,
  crawlStatus107,
  sources110,
  webhooks111,
  alternatives115,
  workloadImages120,
  rolloutState123,
  analysis127,
  renewals128,
  verifications130,
  runtimeState135,
  approvalsProposals137,
];
