/** What a request is about, for metrics: few words whatever is asked for, so that nobody can make a million series. */
export type RouteName =
  | 'registry.manifest'
  | 'registry.blob'
  | 'registry.upload'
  | 'registry.tags'
  | 'registry.referrers'
  | 'registry.catalog'
  | 'registry.base'
  | 'api'
  | 'events'
  | 'health'
  | 'metrics'
  | 'page';

const REGISTRY: readonly (readonly [RegExp, RouteName])[] = [
  [/\/blobs\/uploads\/[^/]*$/, 'registry.upload'],
  [/\/blobs\/[^/]+$/, 'registry.blob'],
  [/\/manifests\/[^/]+$/, 'registry.manifest'],
  [/\/tags\/list$/, 'registry.tags'],
  [/\/referrers\/[^/]+$/, 'registry.referrers'],
  [/^\/v2\/_catalog$/, 'registry.catalog'],
];

/** @param url path with query, as a request line has it */
export function routeOf(url: string): RouteName {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (path.startsWith('/v2')) return REGISTRY.find(([form]) => form.test(path))?.[1] ?? 'registry.base';
  if (path === '/api/v1/events') return 'events';
  if (path.startsWith('/api/')) return 'api';
  if (path === '/healthz' || path === '/readyz') return 'health';
  return path === '/metrics' ? 'metrics' : 'page';
}
