import { basicHeader, PASSWORD, startGuarded } from './guarded-server.ts';
import { noHosts, noMaintenance } from './sample-fleet.ts';

/** The OpenAPI document of a server that has everything there is: accounts, hosts, maintenance. */
export async function apiDocument(): Promise<unknown> {
  const guarded = await startGuarded({ http: { hosts: noHosts, maintenance: noMaintenance } });
  try {
    const headers = basicHeader('root', PASSWORD);
    return (await guarded.server.inject({ url: '/api/v1/openapi.json', headers })).json<unknown>();
  } finally {
    await guarded.close();
  }
}
