import { packageArchitecture } from '../../build/index.ts';
import type { FeedPort } from '../ports.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { LoadedFleet } from './load-fleet.ts';

/** Opens the repositories of every distribution that a recipe of the fleet names; others are opened when met. */
export function feedOf(fleet: LoadedFleet, architecture: string, workshop: Workshop): FeedPort {
  return {
    async refresh() {
      const names = new Set([...fleet.recipes.values()].flatMap(({ document }) => document.distribution ?? []));
      await Promise.all([...names].map((name) => workshop.shelf(name, packageArchitecture(name, architecture))));
    },
  };
}
