import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/index.ts';
import { campaignContract } from './rollout-campaign.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-campaign-'));
campaignContract(
  'embedded',
  () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
  () => rm(root, { recursive: true, force: true }),
);
