/**
 * A small shop that is paid through Mini PG, with nothing but Node. It needs in its environment:
 * API and KEY (the gateway, the merchant's secret key) and SIMULATOR (the PG's stand-in).
 *
 *   node shop.mjs pay <orderId> <amount> [scenario]
 *   node shop.mjs timeline <orderId>
 *   node shop.mjs statement
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The shop's database: what it knows of each order. */
const ORDERS_FILE = process.env.ORDERS_FILE ?? 'orders.json';
/** How long one try waits for its answer. Longer than the `Prefer: wait` below. */
const ANSWER_TIMEOUT_MS = Number(process.env.ANSWER_TIMEOUT_MS ?? 10_000);
const WAIT_SECONDS = 5;
const TRIES_MAX = 60;
const PAUSE_MS = 1_000;

const { API, KEY, SIMULATOR } = process.env;
const commands = { pay, timeline, statement };
const [command = '', ...args] = process.argv.slice(2);
if (!API || !KEY || !SIMULATOR || !Object.hasOwn(commands, command)) {
  console.error('Set API, KEY and SIMULATOR, and use: pay, timeline or statement.');
  process.exit(2);
}
await commands[command](...args);

/** From the checkout button to an outcome. */
async function pay(orderId, amount, scenario) {
  const order = readOrders()[orderId] ?? (await checkOut(orderId, Number(amount), scenario));
  const payment = await untilDecided(await requestPayment(order));
  saveOrder({ ...order, paymentId: payment.id, status: payment.status });
  if (payment.status === 'APPROVED') console.log(`${orderId}: paid ${payment.amount} won`);
  else console.log(`${orderId}: ${payment.status}, ${payment.failure?.code}`);
}

/**
 * The shopper authenticates in the PG's window and comes back with a `paymentKey`. The key of the
 * request is made and stored here, before the first call: whatever happens to that call, the next
 * one is the same request.
 */
async function checkOut(orderId, amount, scenario) {
  const window = await fetch(`${SIMULATOR}/_sim/toss/windows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, amount, scenario }),
  });
  if (!window.ok) throw new Error(`the window did not open: ${await window.text()}`);
  const { paymentKey } = await window.json();
  return saveOrder({ orderId, amount, paymentKey, idempotencyKey: randomUUID() });
}

/** Asks for the payment until there is an answer, always with the key of the order. */
async function requestPayment({ orderId, amount, paymentKey, idempotencyKey }) {
  const source = { kind: 'window', pg: 'toss', paymentKey };
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const response = await fetch(`${API}/api/v1/payments`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        prefer: `wait=${WAIT_SECONDS}`,
      },
      body: JSON.stringify({ orderId, amount, source }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    }).catch(() => undefined);
    if (response?.status === 201 || response?.status === 202) {
      if (response.headers.get('idempotent-replayed')) console.log(`${orderId}: already asked for`);
      return response.json();
    }
    const problem = await response?.json();
    if (problem && !mayRepeat(problem)) refuse(problem);
    console.log(`${orderId}: ${problem?.code ?? 'no answer'}, the same again`);
    await sleep(retryAfterMs(response));
  }
  throw new Error(`${orderId}: no answer in ${TRIES_MAX} tries; run this again later`);
}

/** The first request still runs, there were too many, or the gateway cannot: nothing is decided. */
function mayRepeat({ status, code }) {
  return code === 'IDEMPOTENCY_KEY_IN_USE' || status === 429 || status >= 500;
}

function retryAfterMs(response) {
  return Number(response?.headers.get('retry-after') ?? 0) * 1_000 || PAUSE_MS;
}

/** A 202, or the first answer of a repeat, may be older than the outcome: look at the payment. */
async function untilDecided(payment) {
  let latest = payment;
  for (let tries = 1; latest.status === 'REQUESTED' && tries <= TRIES_MAX; tries += 1) {
    await sleep(PAUSE_MS);
    latest = await get(`/payments/${payment.id}`);
  }
  return latest;
}

async function timeline(orderId) {
  const { data } = await get(`/payments/${readOrders()[orderId].paymentId}/timeline`);
  for (const { at, service, step } of data) console.log(`${at} ${service} ${step}`);
}

/** The newest statement, and its lines as the file that the accountant gets. */
async function statement() {
  let settlement;
  for (let tries = 1; settlement?.status !== 'CLOSED'; tries += 1) {
    if (tries > TRIES_MAX) throw new Error('no statement has arrived; is the day closed?');
    if (tries > 1) await sleep(PAUSE_MS);
    [settlement] = (await get('/settlements?limit=1')).data;
  }
  const { date, count, gross, fee, vat, net, payoutDate } = settlement;
  console.log(`${date}: ${count} lines, ${gross} - ${fee} - ${vat} = ${net}, on ${payoutDate}`);
  process.stdout.write(await get(`/settlements/${settlement.id}/items`, 'text/csv'));
}

async function get(path, accept = 'application/json') {
  const response = await fetch(`${API}/api/v1${path}`, {
    headers: { authorization: `Bearer ${KEY}`, accept },
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (!response.ok) refuse(await response.json());
  return accept === 'text/csv' ? response.text() : response.json();
}

/** A problem (RFC 9457): `code` is for programs, `detail` says what to do. */
function refuse({ status, code, detail }) {
  throw new Error(`${status} ${code}: ${detail}`);
}

function readOrders() {
  return existsSync(ORDERS_FILE) ? JSON.parse(readFileSync(ORDERS_FILE, 'utf8')) : {};
}

/** The file is the old one or the new one, never half of it. */
function saveOrder(order) {
  const orders = { ...readOrders(), [order.orderId]: order };
  writeFileSync(`${ORDERS_FILE}.draft`, JSON.stringify(orders, null, 2));
  renameSync(`${ORDERS_FILE}.draft`, ORDERS_FILE);
  return order;
}
