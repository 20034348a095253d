import type { PostgresPool } from '@mini-pg/database';
import { ProblemError } from '@mini-pg/runtime';
import type { Principal } from '../principal.ts';
import { readPayment } from './repository.ts';
import type { StatusCache } from './status-cache.ts';
import { renderPayment } from './view.ts';

/**
 * A payment as JSON, from the cache or else from Postgres.
 *
 * @throws ProblemError NOT_FOUND for an unknown payment and for another merchant's or mode's.
 */
export async function readPaymentBody(
  deps: { readonly pool: PostgresPool; readonly cache: StatusCache },
  principal: Principal,
  paymentId: string,
): Promise<string> {
  const cached = await deps.cache.read(paymentId);
  if (cached !== undefined) {
    if (!owns(principal, cached.merchantId, cached.livemode)) throw new ProblemError('NOT_FOUND');
    return cached.body;
  }
  const readStartedAtMs = performance.now();
  const payment = await readPayment(deps.pool, paymentId);
  if (payment === null || !owns(principal, payment.merchant_id, payment.livemode)) {
    throw new ProblemError('NOT_FOUND');
  }
  const view = renderPayment(payment, payment.facts);
  void deps.cache.fill(view, readStartedAtMs);
  return JSON.stringify(view);
}

function owns(principal: Principal, merchantId: string, livemode: boolean): boolean {
  return principal.merchantId === merchantId && principal.livemode === livemode;
}
