import { randomUUID } from 'node:crypto';
import { Secret } from '@mini-pg/runtime';
import { type NetCancelBehaviour, netCancelContract } from './net-cancel-contract.ts';
import { NetCancelGateway } from './net-cancel-gateway.ts';
import { NetCancelPg, type NetCancelPgPayment } from './net-cancel-pg.ts';

type Scripts = Partial<NetCancelPgPayment>;

const SCRIPTS: Record<NetCancelBehaviour, () => Scripts> = {
  'approved, answer lost': () => ({ approveScript: ['capture-then-reset', 'approve'] }),
  'never approved': () => ({ approveScript: ['reset'] }),
  'net-cancelled, answer lost': () => ({ netCancelScript: ['done-then-reset'] }),
  'net-cancelled, answer unreadable': () => ({ netCancelScript: ['done-then-500'] }),
  'net-cancel lost on its way': () => ({ netCancelScript: ['reset', 'done'] }),
  'net-cancelled, without a word of what': () => ({ netCancelScript: ['bare'] }),
  'window over': () => ({ isTooLate: true }),
};

netCancelContract('the net-cancel test gateway', {
  createGateway: () => new NetCancelGateway(),
  async start() {
    const pg = await new NetCancelPg().start();
    return {
      baseUrl: pg.url,
      secret: new Secret('of-a-test'),
      open(behaviour) {
        const tid = `tid-${randomUUID()}`;
        const oid = `order-${randomUUID()}`;
        pg.window({ tid, oid, price: 15_000, ...SCRIPTS[behaviour]() });
        const source = { kind: 'window', pg: 'inicis', paymentKey: tid } as const;
        return { source, pgOrderId: oid, amount: 15_000n };
      },
      moves: ({ pgOrderId }) => pg.movesOf({ oid: pgOrderId }),
      close: () => pg.close(),
    };
  },
});
