import type { Pg } from '@mini-pg/domain';
import type { Gateway } from './gateway.ts';
import { TossGateway } from './toss/toss-adapter.ts';
import { TOSS_CONFIG_DEFAULTS, type TossConfig } from './toss/toss-config.ts';

/** What differs from an adapter's defaults, by PG. */
export interface GatewayOptions {
  readonly toss?: Partial<TossConfig>;
}

type GatewayFactory = (options: GatewayOptions) => Gateway;

/** One line a PG. A PG that the platform knows by name but cannot talk to yet has none. */
const FACTORIES: Partial<Record<Pg, GatewayFactory>> = {
  toss: (options) => new TossGateway({ ...TOSS_CONFIG_DEFAULTS, ...options.toss }),
};

/** The PGs that have an adapter. */
export const ADAPTED_PGS = Object.keys(FACTORIES) as readonly Pg[];

/**
 * Builds the adapter of a PG. It holds connections: build one a process and `close` it.
 *
 * @throws Error when the PG has no adapter; the message lists those that do.
 */
export function createGateway(pg: Pg, options: GatewayOptions = {}): Gateway {
  const factory = FACTORIES[pg];
  if (!factory)
    throw new Error(`no adapter for ${pg}; there is one for: ${ADAPTED_PGS.join(', ')}`);
  return factory(options);
}
