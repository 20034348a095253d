import type { Pg } from '@mini-pg/domain';
import { createGateway, type Gateway, TRANSPORT_DEFAULTS } from '@mini-pg/pg-adapters';
import type { PgProfile, Secret } from '@mini-pg/runtime';

/** Our account at a PG, for one mode. */
export interface PgAccount {
  readonly id: string;
  readonly livemode: boolean;
  readonly secret: Secret;
}

/** A PG as this environment uses it. */
export interface PgSetup {
  readonly pg: Pg;
  readonly settings: PgProfile;
  readonly accounts: readonly PgAccount[];
}

export interface PgConnection extends PgSetup {
  readonly gateway: Gateway;
  /** The same PG over connections of its own, so that calls that hang never hold up inquiries. */
  readonly repairGateway: Gateway;
}

export interface Gateways {
  /** The PGs that are on. */
  readonly pgs: readonly Pg[];
  /** Undefined for a PG that is off here. */
  get(pg: Pg): PgConnection | undefined;
  account(pg: Pg, livemode: boolean): PgAccount | undefined;
  /** The account of an id that was stored with an attempt. */
  accountById(pg: Pg, id: string | null): PgAccount | undefined;
  close(): Promise<void>;
}

/** Inquiries that may be open at once, a PG and process. */
export const REPAIR_SLOTS = 64;

/** Opens the adapters of all PGs that are on. @throws Error for one that has no adapter */
export function openGateways(setups: readonly PgSetup[]): Gateways {
  const connections = new Map<Pg, PgConnection>(
    setups.map((setup) => [
      setup.pg,
      {
        ...setup,
        gateway: open(setup, setup.settings.concurrency),
        repairGateway: open(setup, REPAIR_SLOTS),
      },
    ]),
  );
  const accountsOf = (pg: Pg) => connections.get(pg)?.accounts ?? [];
  return {
    pgs: [...connections.keys()],
    get: (pg) => connections.get(pg),
    account: (pg, livemode) => accountsOf(pg).find((account) => account.livemode === livemode),
    accountById: (pg, id) => accountsOf(pg).find((account) => account.id === id),
    async close() {
      await Promise.all(
        [...connections.values()].flatMap(({ gateway, repairGateway }) => [
          gateway.close(),
          repairGateway.close(),
        ]),
      );
    },
  };
}

function open({ pg, settings }: PgSetup, connectionsMax: number): Gateway {
  const transport = {
    ...TRANSPORT_DEFAULTS,
    connectionsMax,
    // As many calls as there are slots may open their first connections at the same moment.
    queueMax: Math.max(TRANSPORT_DEFAULTS.queueMax, connectionsMax),
    connectTimeoutMs: settings.connectTimeoutMs,
  };
  return createGateway(pg, { toss: { transport } });
}
