import type { GatewayCapability } from '@mini-pg/pg-adapters';
import { NetCancelGateway, type NetCancelPg } from '@mini-pg/pg-adapters/testing/net-cancel';
import { loadProfile, type PgProfile, Secret } from '@mini-pg/runtime';
import type { Gateways, PgConnection } from '../src/calls/gateways.ts';
import { QUICK } from './rig.ts';

/** A processor's one PG is the test PG that has to be net-cancelled, under the name of Inicis. */
export function netCancelGateways(
  pg: NetCancelPg,
  capability: Partial<GatewayCapability> = {},
  settings: Partial<PgProfile> = {},
): Gateways {
  const profile = loadProfile('local').pgs.toss;
  const account = { id: 'mid-of-a-test', livemode: true, secret: new Secret('of-a-test') };
  const gateway = new NetCancelGateway(capability);
  const connection: PgConnection = {
    pg: 'inicis',
    settings: { ...profile, ...QUICK, baseUrl: pg.url, ...settings } as PgProfile,
    accounts: [account],
    gateway,
    repairGateway: gateway,
  };
  const isIts = (name: string): boolean => name === connection.pg;
  return {
    pgs: ['inicis'],
    get: (name) => (isIts(name) ? connection : undefined),
    account: (name, livemode) => (isIts(name) && livemode ? account : undefined),
    accountById: (name, id) => (isIts(name) && id === account.id ? account : undefined),
    close: () => gateway.close(),
  };
}
