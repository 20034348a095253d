import { failpoint, pooledRandomBytes } from '@mini-pg/runtime';
import type { FastRedis } from '../redis/fast-redis.ts';

/** What Redis knows of a key. Postgres stays the authority: UNKNOWN is always a right answer. */
export type Marker =
  | {
      readonly kind: 'UNKNOWN';
      /** Of the marker that may stand all the same: the answer came too late, or not at all. */
      readonly token: string;
    }
  /** This request is the first: its marker stands. */
  | { readonly kind: 'FIRST'; readonly token: string }
  | { readonly kind: 'RUNNING'; readonly fingerprint: string }
  | {
      readonly kind: 'ANSWERED';
      readonly fingerprint: string;
      readonly answer: 201 | 202;
      /** The id of what was made. */
      readonly resource: string;
      readonly body: string;
    };

export interface FastPath {
  begin(key: string, fingerprint: string): Promise<Marker>;
  /** Keeps a committed answer for repeats. */
  finish(key: string, answered: Omit<Extract<Marker, { kind: 'ANSWERED' }>, 'kind'>): Promise<void>;
  /** Removes this request's own marker, so that a refused request does not burn its key. */
  release(key: string, token: string, fingerprint: string): Promise<void>;
}

const RUNNING_LIFETIME_MS = 30_000;
const ANSWERED_LIFETIME_MS = 1_800_000;

const COMPARE_AND_DELETE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

export function createFastPath(redis: FastRedis, prefix: string): FastPath {
  return {
    async begin(key, fingerprint) {
      const token = pooledRandomBytes(12).toString('base64url');
      failpoint('payment-api.marker.before-set');
      const before = await redis.run((client) =>
        client.set(prefix + key, running(fingerprint, token), {
          condition: 'NX',
          GET: true,
          expiration: { type: 'PX', value: RUNNING_LIFETIME_MS },
        }),
      );
      failpoint('payment-api.marker.after-set');
      if (before === undefined) return { kind: 'UNKNOWN', token };
      if (before === null) return { kind: 'FIRST', token };
      return decode(before.toString()) ?? { kind: 'UNKNOWN', token };
    },
    async finish(key, { fingerprint, answer, resource, body }) {
      failpoint('payment-api.answer.before-cache');
      await redis.run((client) =>
        client.set(prefix + key, `A|${fingerprint}|${answer}|${resource}|${body}`, {
          expiration: { type: 'PX', value: ANSWERED_LIFETIME_MS },
        }),
      );
      failpoint('payment-api.answer.after-cache');
    },
    async release(key, token, fingerprint) {
      failpoint('payment-api.marker.before-release');
      // A marker that is left would answer repeats with "in use" for as long as it lives.
      await redis.run(
        (client) =>
          client.eval(COMPARE_AND_DELETE, {
            keys: [prefix + key],
            arguments: [running(fingerprint, token)],
          }),
        { evenAtRest: true },
      );
      failpoint('payment-api.marker.after-release');
    },
  };
}

function running(fingerprint: string, token: string): string {
  return `R|${fingerprint}|${token}`;
}

function decode(value: string): Marker | null {
  const answered = /^A\|([^|]+)\|(201|202)\|([^|]+)\|/.exec(value);
  if (answered !== null) {
    return {
      kind: 'ANSWERED',
      fingerprint: answered[1] ?? '',
      answer: answered[2] === '201' ? 201 : 202,
      resource: answered[3] ?? '',
      body: value.slice(answered[0].length),
    };
  }
  const fingerprint = /^R\|([^|]+)\|/.exec(value)?.[1];
  return fingerprint === undefined ? null : { kind: 'RUNNING', fingerprint };
}
