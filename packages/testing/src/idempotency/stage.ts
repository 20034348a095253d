import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, abandon, exchange, type WireRequest } from './client.ts';
import { isAnswer } from './expectations.ts';
import { type JsonObject, merged, valueAt } from './json.ts';
import { filledIn, type Plan, type RequestPlan } from './plan.ts';

/** How one request of a case differs from the plan's. */
export interface Change {
  /** The whole header; null leaves it out. The stage's key, quoted, unless given. */
  readonly key?: string | null;
  /** A merge patch on the body. */
  readonly patch?: JsonObject | undefined;
  /** Another text of the same body. */
  readonly write?: (body: JsonObject) => string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly instance?: 'other';
  readonly tenant?: Tenant;
  readonly route?: RequestPlan;
}

export type Tenant = 'first' | 'other';

/** One request that must not happen twice, with a key and values that no other one has. */
export interface Stage {
  /** Without quotes. */
  readonly key: string;
  send(change?: Change): Promise<Answer>;
  /** Sends again while the answer says that the first request runs; the last answer. */
  sendUntilOver(change?: Change): Promise<Answer>;
  abandon(sent: 'whole' | 'half'): Promise<void>;
  /** How often it has happened for a tenant, as the API itself shows it. */
  countEffects(tenant: Tenant): Promise<number>;
}

const OVER_TRIES_MAX = 600;
const OVER_INTERVAL_MS = 100;

/** @param more values in place of those of the plan */
export async function openStage(
  plan: Plan,
  more: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const key = randomUUID();
  const unique = randomUUID().replaceAll('-', '').slice(0, 20);
  const values: Record<string, string> = { ...plan.values, ...more, unique };
  for (const step of plan.prepare) Object.assign(values, await prepared(step, values));
  /** The ids in the answers that say it happened. */
  const ids = { first: new Set<string>(), other: new Set<string>() };
  const headersOf = (tenant: Tenant): Readonly<Record<string, string>> =>
    tenant === 'other' ? (plan.otherTenant?.headers ?? {}) : {};

  const wireOf = (change: Change): WireRequest => {
    const { method, path, headers, body } = filledIn(change.route ?? plan.request, values);
    const base = change.instance === 'other' ? plan.otherInstance : plan.baseUrl;
    const sent = change.key === undefined ? `"${key}"` : change.key;
    const patched = change.patch ? merged(body, filledIn(change.patch, values)) : body;
    return {
      method,
      url: `${base?.replace(/\/$/, '')}${path}`,
      headers: {
        ...headers,
        ...headersOf(change.tenant ?? 'first'),
        ...change.headers,
        ...(sent !== null && { [plan.header]: sent }),
      },
      body: (change.write ?? JSON.stringify)(patched),
    };
  };

  const send = async (change: Change = {}): Promise<Answer> => {
    const answer = await exchange(wireOf(change));
    const id = idIn(plan, answer);
    if (id !== undefined) {
      values.id ??= id;
      if (change.route === undefined) ids[change.tenant ?? 'first'].add(id);
    }
    return answer;
  };

  return {
    key,
    send,
    async sendUntilOver(change) {
      for (let tries = 1; ; tries += 1) {
        const answer = await send(change);
        if (!isAnswer(answer, plan.expect.running, plan) || tries === OVER_TRIES_MAX) return answer;
        await sleep(OVER_INTERVAL_MS);
      }
    },
    abandon: (sent) => abandon(wireOf({}), sent),
    async countEffects(tenant) {
      const { read } = plan.effects;
      if (read === undefined) return ids[tenant].size;
      const request = filledIn(read, values);
      const answer = await exchange({
        method: 'GET',
        url: `${plan.baseUrl.replace(/\/$/, '')}${request.path}`,
        headers: { ...request.headers, ...headersOf(tenant) },
        body: undefined,
      });
      // Two ids are two effects, also when the list shows one of them.
      return Math.max(countIn(answer, request.pointer), ids[tenant].size);
    },
  };
}

async function prepared(
  step: Plan['prepare'][number],
  values: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { url, method, headers, body } = filledIn(step, values);
  const answer = await exchange({ method, url, headers, body: JSON.stringify(body) });
  const taken = Object.entries(step.take).map(([name, pointer]) => {
    const value = valueAt(answer.body, pointer);
    if (typeof value === 'string' || typeof value === 'number') return [name, String(value)];
    throw new Error(
      `${method} ${url} answered ${answer.status} without ${pointer}: ${answer.text}`,
    );
  });
  return Object.fromEntries(taken);
}

function idIn(plan: Plan, answer: Answer): string | undefined {
  if (plan.effects.id === undefined || !plan.expect.taken.status.includes(answer.status)) {
    return undefined;
  }
  const id = valueAt(answer.body, plan.effects.id);
  return id === undefined ? undefined : JSON.stringify(id).replace(/^"|"$/g, '');
}

function countIn(answer: Answer, pointer: string): number {
  const value = valueAt(answer.body, pointer);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'number') return value;
  throw new Error(`the read of effects answered ${answer.status}, ${pointer} is no list or number`);
}
