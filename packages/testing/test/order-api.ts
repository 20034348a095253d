import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Each is one mistake that people make with idempotency keys. */
export type Fault =
  | 'needs no key'
  | 'takes any key'
  | 'reads quotes as part of the key'
  | 'executes a replay'
  | 'renders a replay anew'
  | 'does not mark a replay'
  | 'ignores the body'
  | 'compares bytes'
  | 'burns the key of a refused request'
  | 'executes before it checks'
  | 'looks before it locks'
  | 'waits for the first request'
  | 'keeps keys in an instance'
  | 'forgets the key when the client goes'
  | 'executes half a body'
  | 'shares keys among tenants'
  | 'shares keys among routes'
  | 'keeps keys in the cache only'
  | 'forgets the key when the cache expires'
  | 'executes once more later';

/** Long enough for every request of a race to look before the first one locks. */
const LOOK_MS = 50;

/** An API that takes orders, as small as it can be, on two instances. */
export interface OrderApi {
  readonly url: string;
  readonly otherUrl: string;
  loseCache(): void;
  expireCache(key: string): void;
  stop(): Promise<void>;
}

interface Order {
  readonly id: number;
  readonly route: string;
  readonly tenant: string;
  readonly item: string;
  readonly amount: number;
}

interface Entry {
  readonly fingerprint: string;
  readonly done: PromiseWithResolvers<void>;
  /** Another body has come with the key. */
  readonly reused: PromiseWithResolvers<void>;
  answer: { status: number; body: object } | undefined;
}

interface Body {
  readonly item: string;
  readonly amount?: number;
}

/** What all instances share. */
interface Shared {
  readonly orders: Order[];
  readonly keys: Map<string, Entry>;
  requests: number;
}

const KEY_LENGTH_MAX = 255;
/** How long the faulty one gives a client to go. */
const CLIENT_GOES_WITHIN_MS = 250;
/** A slow request takes until its key comes with another body, but not longer. */
const SLOW_MAX_MS = 1_000;
/** By then the case has been played, and others after it. */
const LATE_AFTER_REQUESTS = 20;

export async function startOrderApi(fault?: Fault): Promise<OrderApi> {
  const shared: Shared = { orders: [], keys: new Map(), requests: 0 };
  const own = (): Shared =>
    fault === 'keeps keys in an instance' ? { ...shared, keys: new Map() } : shared;
  const servers = [serve(own(), fault), serve(own(), fault)];
  const [url = '', otherUrl = ''] = await Promise.all(servers.map(listen));
  return {
    url,
    otherUrl,
    loseCache() {
      if (fault === 'keeps keys in the cache only') shared.keys.clear();
    },
    expireCache(key) {
      if (fault !== 'forgets the key when the cache expires') return;
      for (const name of shared.keys.keys()) if (name.includes(key)) shared.keys.delete(name);
    },
    async stop() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(shared: Shared, fault: Fault | undefined): Server {
  return createServer(async (request, response) => {
    const text = await textOf(request).catch(() => null);
    if (text === null) {
      if (fault === 'executes half a body') execute(shared, request, { item: itemIn(request) });
      return;
    }
    const isList = request.method === 'GET';
    const answer = isList
      ? list(shared, request)
      : await take(shared, fault, request, response, text);
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      ...(answer.replayed && { 'idempotent-replayed': 'true' }),
    });
    response.end(JSON.stringify(answer.body));
  });
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly replayed?: boolean;
}

function list(shared: Shared, request: IncomingMessage): Answer {
  const [tenant, item] = [tenantOf(request), itemIn(request)];
  const data = shared.orders.filter(
    (order) => order.route === routeOf(request) && order.tenant === tenant && order.item === item,
  );
  return { status: 200, body: { data } };
}

async function take(
  shared: Shared,
  fault: Fault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): Promise<Answer> {
  const key = keyOf(request, fault);
  if (typeof key === 'object') return key;
  const name = nameOf(request, key, fault);
  const body = JSON.parse(text) as Body;
  const fingerprint = fault === 'compares bytes' ? text : `${body.item} ${body.amount}`;
  repeatLate(shared, fault);
  if (fault === 'looks before it locks') {
    const seen = key !== '' && shared.keys.get(name);
    await sleep(LOOK_MS);
    if (!seen) shared.keys.delete(name);
  }
  const known = key === '' ? undefined : shared.keys.get(name);
  if (known) return repeat(shared, fault, known, fingerprint, request, body);
  return first(shared, fault, { request, response, name, fingerprint, body });
}

function refuse(status: number, code: string): Answer {
  return { status, body: { code } };
}

function keyOf(request: IncomingMessage, fault: Fault | undefined): string | Answer {
  const header = request.headers['idempotency-key'];
  const value = typeof header === 'string' ? header : '';
  if (value === '') return fault === 'needs no key' ? '' : refuse(400, 'KEY_MISSING');
  const quoted = /^"([\x20-\x21\x23-\x7e]+)"$/.exec(value)?.[1];
  const isBare = /^[\x21\x23-\x7e]+$/.test(value) && value.length <= KEY_LENGTH_MAX;
  if (quoted === undefined && !isBare && fault !== 'takes any key') {
    return refuse(400, 'KEY_MALFORMED');
  }
  return fault === 'reads quotes as part of the key' ? value : (quoted ?? value);
}

function nameOf(request: IncomingMessage, key: string, fault: Fault | undefined): string {
  const tenant = fault === 'shares keys among tenants' ? '' : tenantOf(request);
  const route = fault === 'shares keys among routes' ? '' : routeOf(request);
  return [tenant, route, key].join(' ');
}

async function repeat(
  shared: Shared,
  fault: Fault | undefined,
  entry: Entry,
  fingerprint: string,
  request: IncomingMessage,
  body: Body,
): Promise<Answer> {
  if (entry.fingerprint !== fingerprint && fault !== 'ignores the body') {
    entry.reused.resolve();
    return refuse(422, 'KEY_REUSED');
  }
  if (fault === 'waits for the first request') await entry.done.promise;
  if (entry.answer === undefined) return refuse(409, 'KEY_IN_USE');
  if (fault === 'executes a replay') execute(shared, request, body);
  if (fault === 'renders a replay anew') {
    return { status: entry.answer.status, body: { ...entry.answer.body, at: 2 }, replayed: true };
  }
  return { ...entry.answer, replayed: fault !== 'does not mark a replay' };
}

async function first(
  shared: Shared,
  fault: Fault | undefined,
  taken: {
    request: IncomingMessage;
    response: ServerResponse;
    name: string;
    fingerprint: string;
    body: Body;
  },
): Promise<Answer> {
  const { request, response, name, fingerprint, body } = taken;
  const isValid = (body.amount ?? 0) > 0;
  if (!isValid && fault !== 'burns the key of a refused request') {
    if (fault === 'executes before it checks') execute(shared, request, body);
    return refuse(400, 'INVALID');
  }
  const [done, reused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const entry: Entry = { fingerprint, done, reused, answer: undefined };
  shared.keys.set(name, entry);
  if (fault === 'forgets the key when the client goes') {
    await Promise.race([once(response, 'close'), sleep(CLIENT_GOES_WITHIN_MS)]);
    if (response.closed) shared.keys.delete(name);
  }
  const isSlow = request.headers['x-slow'] !== undefined;
  await (isSlow ? Promise.race([reused.promise, sleep(SLOW_MAX_MS)]) : sleep(1));
  entry.answer = isValid
    ? { status: 201, body: execute(shared, request, body) }
    : { status: 400, body: { code: 'INVALID' } };
  done.resolve();
  return entry.answer;
}

function execute(shared: Shared, request: IncomingMessage, body: Body): Order {
  const order = {
    id: shared.orders.length + 1,
    route: routeOf(request),
    tenant: tenantOf(request),
    item: body.item,
    amount: body.amount ?? 1,
  };
  shared.orders.push(order);
  return order;
}

/** The first order once more, when its case is long over. */
function repeatLate(shared: Shared, fault: Fault | undefined): void {
  shared.requests += 1;
  const [order] = shared.orders;
  if (fault === 'executes once more later' && shared.requests === LATE_AFTER_REQUESTS && order) {
    shared.orders.push({ ...order, id: shared.orders.length + 1 });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function routeOf(request: IncomingMessage): string {
  return new URL(request.url ?? '', 'http://host').pathname;
}

function tenantOf(request: IncomingMessage): string {
  return String(request.headers['x-tenant']);
}

/** The item that a list is asked for; of a request whose body did not come, a header says it. */
function itemIn(request: IncomingMessage): string {
  const item = new URL(request.url ?? '', 'http://host').searchParams.get('item');
  return item ?? String(request.headers['x-item']);
}
