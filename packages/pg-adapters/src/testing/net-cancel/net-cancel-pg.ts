import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What becomes of a call, one after the other; the last one of a script repeats. */
export type ApproveStep =
  | 'approve'
  | 'reset'
  | 'capture-then-reset'
  | 'capture-then-500'
  | { readonly refuse: string };

/** `bare` confirms without showing what stood. */
export type NetCancelStep =
  | 'done'
  | 'bare'
  | 'reset'
  | 'done-then-reset'
  | 'done-then-500'
  | { readonly refuse: string };

export type RefundStep = 'done' | 'reset' | 'done-then-reset' | { readonly refuse: string };

export interface NetCancelPgPayment {
  readonly tid: string;
  readonly oid: string;
  readonly price: number;
  status: 'AUTHENTICATED' | 'PAID' | 'CANCELLED' | 'FAILED';
  approvalNo: string | null;
  cancelNo: string | null;
  /** The window of the net-cancel is over. */
  isTooLate: boolean;
  /** Inquiries do not show it. */
  isHidden: boolean;
  approveScript: ApproveStep[];
  netCancelScript: NetCancelStep[];
  refundScript: RefundStep[];
}

export interface NetCancelPgCall {
  readonly path: string;
  readonly tid: string;
  readonly body: string;
}

/** The codes of this PG that its behaviour needs; their meaning is the adapter's. */
const CODES = {
  done: '0000',
  already: '500619',
  notFound: '500623',
  notCancelable: '500624',
  mismatch: '500610',
} as const;

const APPROVED_AT = '20260302100000';
const CANCELLED_AT = '20260302110000';

type Window = Partial<NetCancelPgPayment> & Pick<NetCancelPgPayment, 'tid' | 'oid' | 'price'>;

/**
 * A PG after the manner of Inicis: forms, no idempotency keys, and an approval whose answer was lost
 * has to be net-cancelled with what it was asked with. Each payment has scripts; `moves` is its truth.
 */
export class NetCancelPg {
  readonly calls: NetCancelPgCall[] = [];
  readonly moves: { readonly oid: string; readonly kind: 'CAPTURE' | 'CANCEL' }[] = [];
  readonly #payments = new Map<string, NetCancelPgPayment>();
  readonly #server: Server;
  #count = 0;
  url = '';

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP address');
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** What a shopper has authenticated. */
  window(window: Window): NetCancelPgPayment {
    const payment: NetCancelPgPayment = {
      status: 'AUTHENTICATED',
      approvalNo: null,
      cancelNo: null,
      isTooLate: false,
      isHidden: false,
      approveScript: ['approve'],
      netCancelScript: ['done'],
      refundScript: ['done'],
      ...window,
    };
    this.#payments.set(payment.tid, payment);
    return payment;
  }

  movesOf({ oid }: Pick<NetCancelPgPayment, 'oid'>): ('CAPTURE' | 'CANCEL')[] {
    return this.moves.filter((move) => move.oid === oid).map(({ kind }) => kind);
  }

  /** Executes an approval that was on its way. */
  capture(payment: NetCancelPgPayment): void {
    this.#count += 1;
    payment.status = 'PAID';
    payment.approvalNo = `A${this.#count}-${payment.tid}`;
    this.moves.push({ oid: payment.oid, kind: 'CAPTURE' });
  }

  /** Gives a capture back, as a call or a person does. */
  giveBack(payment: NetCancelPgPayment): void {
    this.#count += 1;
    payment.status = 'CANCELLED';
    payment.cancelNo = `C${this.#count}-${payment.tid}`;
    this.moves.push({ oid: payment.oid, kind: 'CANCEL' });
  }

  callsTo(path: string, tid: string): NetCancelPgCall[] {
    return this.calls.filter((call) => call.path === path && call.tid === tid);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const form = new URLSearchParams(body);
    const path = request.url ?? '';
    const tid = form.get('tid') ?? '';
    this.calls.push({ path, tid, body });
    const payment = this.#payments.get(tid);
    end(response, payment ? this.#endingOf(path, payment, form) : { code: CODES.notFound });
  }

  #endingOf(path: string, payment: NetCancelPgPayment, form: URLSearchParams): Ending {
    switch (path) {
      case '/approve':
        return this.#approve(payment, form);
      case '/netCancel':
        return this.#netCancel(payment);
      case '/refund':
        return this.#refund(payment);
      default:
        return payment.isHidden ? { code: CODES.notFound } : { code: CODES.done, payment };
    }
  }

  #approve(payment: NetCancelPgPayment, form: URLSearchParams): Ending {
    const step = next(payment.approveScript);
    if (step === 'reset') return 'RESET';
    if (typeof step === 'object') return { code: step.refuse };
    if (payment.status !== 'AUTHENTICATED') return { code: CODES.already };
    const isAsked = form.get('oid') === payment.oid && form.get('price') === `${payment.price}`;
    if (!isAsked) return { code: CODES.mismatch };
    this.capture(payment);
    if (step === 'capture-then-reset') return 'RESET';
    return step === 'capture-then-500' ? 'FAULT' : { code: CODES.done, payment };
  }

  #netCancel(payment: NetCancelPgPayment): Ending {
    const step = next(payment.netCancelScript);
    if (step === 'reset') return 'RESET';
    if (typeof step === 'object') return { code: step.refuse };
    if (payment.status === 'CANCELLED') return { code: CODES.already };
    if (payment.status !== 'PAID') return { code: CODES.notFound };
    if (payment.isTooLate) return { code: CODES.notCancelable };
    this.giveBack(payment);
    if (step === 'done-then-reset') return 'RESET';
    if (step === 'done-then-500') return 'FAULT';
    return step === 'bare' ? { code: CODES.done } : { code: CODES.done, payment };
  }

  #refund(payment: NetCancelPgPayment): Ending {
    const step = next(payment.refundScript);
    if (step === 'reset') return 'RESET';
    if (typeof step === 'object') return { code: step.refuse };
    if (payment.status === 'CANCELLED') return { code: CODES.already };
    if (payment.status !== 'PAID') return { code: CODES.notCancelable };
    this.giveBack(payment);
    return step === 'done-then-reset' ? 'RESET' : { code: CODES.done, payment };
  }
}

/** How an exchange ends: with an answer, or without one. */
type Ending = 'RESET' | 'FAULT' | { readonly code: string; readonly payment?: NetCancelPgPayment };

function next<Step>(script: Step[]): Step {
  const step = script.length > 1 ? script.shift() : script[0];
  if (step === undefined) throw new Error('a script has at least one step');
  return step;
}

function end(response: ServerResponse, ending: Ending): void {
  if (ending === 'RESET') {
    response.socket?.destroy();
    return;
  }
  if (ending === 'FAULT') {
    response.writeHead(500, { 'content-type': 'text/plain' }).end('fault');
    return;
  }
  const { code: resultCode, payment } = ending;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ resultCode, payment: payment ? wireOf(payment) : null }));
}

function wireOf({ tid, oid, price, status, approvalNo, cancelNo }: NetCancelPgPayment) {
  return {
    ...{ tid, oid, price, status },
    applNum: approvalNo,
    applDate: approvalNo === null ? null : APPROVED_AT,
    cancelNum: cancelNo,
    cancelDate: cancelNo === null ? null : CANCELLED_AT,
  };
}
