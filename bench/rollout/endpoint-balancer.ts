import { createFront, type FrontStatistics } from '../../src/runtime/front/index.ts';
import type { ApiObject, RealApi } from '../../test/support/control-plane/api.ts';

/** Milliseconds for requests in flight to an endpoint that is not ready any more. */
const GRACE = 20_000;

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean };
  readonly targetRef?: { readonly name?: string };
}

export interface EndpointBalancer {
  readonly port: number;
  ready(): number;
  statistics(): FrontStatistics;
  close(): Promise<void>;
}

/** Spreads HTTP requests over the ready endpoints of a Service, as its EndpointSlices say from moment to moment. */
export async function balance(api: RealApi, namespace: string, service: string): Promise<EndpointBalancer> {
  const front = await createFront({ listen: { host: '127.0.0.1', port: 0 } });
  const slices = new Map<string, readonly string[]>();
  const known = new Set<string>();
  const seen = (): void => {
    const now = new Set([...slices.values()].flat());
    for (const id of now) {
      if (known.has(id)) continue;
      const [, host = '', port = ''] = id.split(' ');
      known.add(id);
      front.add({ id, host, port: Number(port) });
    }
    for (const id of [...known].filter((one) => !now.has(one))) {
      known.delete(id);
      void front.drain(id, GRACE);
    }
  };
  const ended = new AbortController();
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const selector = `labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
  const take = (type: string, slice: ApiObject): void => {
    const port = slice.ports?.[0]?.port as number | undefined;
    const endpoints = (slice.endpoints ?? []) as readonly Endpoint[];
    const ready = endpoints.filter(({ conditions }) => conditions?.ready === true);
    const ids = ready.map(({ addresses, targetRef }) => `${targetRef?.name} ${addresses[0]} ${port}`);
    if (type === 'DELETED') slices.delete(slice.metadata.name);
    else if (type === 'ADDED' || type === 'MODIFIED') slices.set(slice.metadata.name, ids);
    seen();
  };
  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      for await (const { type, object } of api.watch(`${path}?watch=true&${selector}`, ended.signal))
        take(type, object);
    }
  };
  const following = follow().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  return {
    port: front.address.port,
    ready: () => known.size,
    statistics: () => front.statistics(),
    close: async () => {
      ended.abort();
      await following;
      await front.close(0);
    },
  };
}
