import type { Digest } from '../oci/index.ts';
import type { FleetZone } from '../recipe/index.ts';
import type { Workload } from '../runtime/index.ts';
import { zoneOf } from './plan/zones.ts';

/** A workload that breaks the rules of its zone. */
export interface ZoneFinding {
  readonly rule: 'zone.violation' | 'zone.registry';
  readonly zone: string;
  readonly workload: string;
  readonly container: string;
  readonly image: string;
  readonly digest: Digest | undefined;
  readonly message: string;
}

/**
 * `zone.violation`: what runs did not come on an allowed way; a zone that no edge leads to takes anything. `zone.registry`: it
 * is pulled from elsewhere than the zone's own registry. Pure.
 * @param arrived `zone\ndigest` of what came on an allowed way
 */
export function zoneFindings(
  zones: readonly FleetZone[],
  workloads: readonly Workload[],
  arrived: ReadonlySet<string>,
): readonly ZoneFinding[] {
  const entered = new Set(zones.flatMap(({ to = [] }) => to));
  return workloads.flatMap((workload) => {
    const zone = zoneOf(workload, zones);
    if (zone === undefined) return [];
    return workload.containers.flatMap(({ name, image, digest }) => {
      const at = { zone: zone.name, workload: workload.id, container: name, image, digest };
      const findings: ZoneFinding[] = [];
      const known = digest !== undefined && arrived.has(`${zone.name}\n${digest}`);
      // Nothing runs yet, or copies disagree for a moment: nothing to say.
      if (entered.has(zone.name) && digest !== undefined && !known) {
        const message = `${image} did not come to zone ${zone.name} from a zone that may send to it`;
        findings.push({ rule: 'zone.violation', ...at, message });
      }
      const endpoint = zone.registry?.endpoint;
      if (endpoint !== undefined && !image.startsWith(`${endpoint}/`)) {
        const message = `zone ${zone.name} pulls from ${endpoint}, and this comes from elsewhere`;
        findings.push({ rule: 'zone.registry', ...at, message });
      }
      return findings;
    });
  });
}
