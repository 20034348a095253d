import { failpoint } from '@mini-pg/runtime';
import type { FastRedis } from '../redis/fast-redis.ts';
import type { PaymentView } from './view.ts';

/** A payment as it was answered, with what decides who may read it and which answer is newer. */
export interface CachedPayment {
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly version: number;
  readonly body: string;
}

export interface StatusCache {
  read(paymentId: string): Promise<CachedPayment | undefined>;
  /** What the projector has just committed. */
  write(payments: readonly PaymentView[]): Promise<void>;
  /** What a reader that missed has read; `readStartedAtMs` is `performance.now()` before the read. */
  fill(payment: PaymentView, readStartedAtMs: number): Promise<void>;
}

const LIFETIME_MS = 5_000;
/** FAILED and CANCELLED never change again, once no cancel of it waits for its outcome. */
const LIFETIME_TERMINAL_MS = 600_000;
/**
 * A reader slower than this keeps its answer to itself: the newer entry that it might replace could
 * have run out in the meantime.
 */
const FILL_AGE_MAX_MS = 2_000;

/** Compare and set by version in one script: an older version never replaces a newer one. */
const WRITE = `
local current = redis.call('GET', KEYS[1])
if current then
  local version = tonumber(string.match(current, '^(%d+)|'))
  if version and version > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

export function createStatusCache(redis: FastRedis, prefix: string): StatusCache {
  const keyOf = (paymentId: string) => `${prefix}payment:${paymentId}`;

  const put = async (payments: readonly PaymentView[]) => {
    failpoint('payment-api.status-cache.before-write');
    await redis.run((client) =>
      Promise.all(
        payments.map((payment) =>
          client.eval(WRITE, {
            keys: [keyOf(payment.id)],
            arguments: [String(payment.version), encode(payment), String(lifetimeOf(payment))],
          }),
        ),
      ),
    );
    failpoint('payment-api.status-cache.after-write');
  };

  return {
    async read(paymentId) {
      const value = await redis.run((client) => client.get(keyOf(paymentId)));
      return typeof value === 'string' ? decode(value) : undefined;
    },
    write: put,
    async fill(payment, readStartedAtMs) {
      if (performance.now() - readStartedAtMs >= FILL_AGE_MAX_MS) return;
      failpoint('payment-api.status-cache.before-fill');
      await put([payment]);
    },
  };
}

function lifetimeOf(payment: PaymentView): number {
  const ended = payment.status === 'FAILED' || payment.status === 'CANCELLED';
  const waits = payment.cancels.some((cancel) => cancel.status === 'REQUESTED');
  return ended && !waits ? LIFETIME_TERMINAL_MS : LIFETIME_MS;
}

function encode(payment: PaymentView): string {
  const mode = payment.livemode ? 'live' : 'test';
  return `${payment.version}|${payment.merchantId}|${mode}|${JSON.stringify(payment)}`;
}

function decode(value: string): CachedPayment | undefined {
  const match = /^(\d+)\|([^|]*)\|(live|test)\|/.exec(value);
  if (match === null) return undefined;
  return {
    version: Number(match[1]),
    merchantId: match[2] ?? '',
    livemode: match[3] === 'live',
    body: value.slice(match[0].length),
  };
}
