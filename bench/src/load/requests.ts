import { readFileSync } from 'node:fs';
import type { LoadPlan, PaymentTraffic, ReadTraffic } from './load-plan.ts';

/** A request as bytes, and whether its answer has to be a replay. */
export interface PreparedRequest {
  readonly bytes: Buffer;
  readonly isRepeat: boolean;
}

/** Makes the requests of a run. A connection's bytes are made anew by its next request. */
export interface Requests {
  next(connection: number): PreparedRequest;
  /** The last request of a connection was refused: its next one is the same again. */
  repeat(connection: number): void;
}

export function requestsOf(plan: LoadPlan): Requests {
  const { traffic } = plan;
  return traffic.kind === 'payments' ? paymentRequests(traffic) : readRequests(traffic);
}

const SEQUENCE_DIGITS = 9;
const AMOUNT_MIN = 1_000;
/** Amounts keep four digits, so that every body has the same length. */
const AMOUNT_STEPS = 9_000;

/** The order, amount and key of the payment with a number, the same for whoever prepares for it. */
export function paymentIdentity(runId: string, sequence: number) {
  const digits = String(sequence).padStart(SEQUENCE_DIGITS, '0');
  return {
    orderId: `${runId}-order-${digits}`,
    idempotencyKey: `${runId}-key-${digits}`,
    amount: AMOUNT_MIN + (sequence % AMOUNT_STEPS),
  };
}

/** Where a connection stands: its bytes, and the payment that it will repeat. */
interface Lane {
  readonly bytes: Buffer;
  readonly slots: Slots;
  made: number;
  remembered: number;
  isRefused: boolean;
}

interface Slots {
  readonly idempotencyKey: number;
  readonly orderId: number;
  readonly amount: number;
  readonly paymentKey: number;
}

function paymentRequests(traffic: PaymentTraffic): Requests {
  const { runId, repeatEvery, secretKeys } = traffic;
  const paymentKeyOf = paymentKeys(traffic);
  const lanes: Lane[] = [];
  let sequence = 0;

  const laneOf = (connection: number): Lane => {
    lanes[connection] ??= newLane(
      paymentRequestText(
        traffic,
        secretKeys[connection % secretKeys.length] ?? '',
        paymentKeyOf(0),
      ),
      { ...paymentIdentity(runId, 0), paymentKey: paymentKeyOf(0) },
    );
    return lanes[connection];
  };
  const fill = ({ bytes, slots }: Lane, number: number): void => {
    const { orderId, idempotencyKey, amount } = paymentIdentity(runId, number);
    bytes.write(idempotencyKey, slots.idempotencyKey, 'latin1');
    bytes.write(orderId, slots.orderId, 'latin1');
    bytes.write(String(amount), slots.amount, 'latin1');
    bytes.write(paymentKeyOf(number), slots.paymentKey, 'latin1');
  };

  return {
    next(connection) {
      const lane = laneOf(connection);
      if (lane.isRefused) {
        lane.isRefused = false;
        return { bytes: lane.bytes, isRepeat: false };
      }
      lane.made += 1;
      const place = repeatEvery === undefined ? -1 : lane.made % repeatEvery;
      if (place === 0) {
        fill(lane, lane.remembered);
        return { bytes: lane.bytes, isRepeat: true };
      }
      if (place === Math.floor((repeatEvery ?? 0) / 2)) lane.remembered = sequence;
      fill(lane, sequence);
      sequence += 1;
      return { bytes: lane.bytes, isRepeat: false };
    },
    repeat(connection) {
      laneOf(connection).isRefused = true;
    },
  };
}

function paymentKeys({ paymentKeysFile, runId }: PaymentTraffic): (sequence: number) => string {
  if (paymentKeysFile === undefined) {
    return (sequence) => `tgen_${runId}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
  }
  const keys = readFileSync(paymentKeysFile, 'utf8').trimEnd().split('\n');
  return (sequence) => {
    const key = keys[sequence];
    if (key === undefined) throw new Error(`All ${keys.length} windows are used: open more.`);
    return key;
  };
}

function paymentRequestText(traffic: PaymentTraffic, secretKey: string, paymentKey: string) {
  const { orderId, idempotencyKey, amount } = paymentIdentity(traffic.runId, 0);
  const body = JSON.stringify({
    orderId,
    amount,
    orderName: 'Two T-shirts, blue',
    customer: { name: 'Kim Minji', email: 'minji@example.com', phone: '010-1234-5678' },
    source: { kind: 'window', pg: 'toss', paymentKey },
    metadata: { cart: 'c-20260331-77' },
  });
  const wait = traffic.waitSeconds === undefined ? '' : `prefer: wait=${traffic.waitSeconds}\r\n`;
  return (
    'POST /api/v1/payments HTTP/1.1\r\nhost: 127.0.0.1\r\n' +
    `authorization: Bearer ${secretKey}\r\nidempotency-key: ${idempotencyKey}\r\n${wait}` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

function newLane(
  text: string,
  values: { idempotencyKey: string; orderId: string; amount: number; paymentKey: string },
): Lane {
  return {
    bytes: Buffer.from(text, 'latin1'),
    slots: {
      idempotencyKey: text.indexOf(values.idempotencyKey),
      orderId: text.indexOf(values.orderId),
      amount: text.indexOf('"amount":') + '"amount":'.length,
      paymentKey: text.indexOf(values.paymentKey),
    },
    made: 0,
    remembered: 0,
    isRefused: false,
  };
}

function readRequests({ targets }: ReadTraffic): Requests {
  const requests = targets.map(({ path, secretKey }) =>
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${secretKey}\r\n\r\n`,
      'latin1',
    ),
  );
  let turn = 0;
  return {
    next() {
      const bytes = requests[turn % requests.length];
      turn += 1;
      if (bytes === undefined) throw new Error('There is nothing to read.');
      return { bytes, isRepeat: false };
    },
    repeat: () => undefined,
  };
}
