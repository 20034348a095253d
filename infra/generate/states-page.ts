import {
  ATTEMPT_MOVES,
  ATTEMPT_STATES,
  balanceOf,
  decide,
  evolve,
  PAYMENT_MOVES,
  PAYMENT_STATUSES,
  type PaymentCommand,
  type PaymentState,
  RESERVED_PAYMENT_STATUSES,
  requestedPayment,
  statusOf,
} from '@mini-pg/domain';
import { code, mermaid, page, table } from './markdown.ts';

/** `docs/reference/states.md`: the states of a payment and of an attempt, and the moves between. */
export function statesPage(): string {
  return page('`packages/domain`', [
    '# States',
    '## Payment',
    'A payment is its facts. `status` is one pure function of them (`statusOf`), so facts may arrive in any order and more than once. The diagram is every way that `decide` and `evolve` allow for one payment: *part* leaves something of the balance, *rest* leaves nothing.',
    mermaid(paymentDiagram()),
    '`SETTLED` means that the payment is in a closed statement, not yet paid out. A payment that was cancelled, in part or whole, keeps saying so when it is settled; `settledAt` tells the rest. `FAILED` and `CANCELLED` are the only statuses whose order may be paid by another payment.',
    'Which commands a status takes:',
    table(['Status', ...commands().map(code)], PAYMENT_STATUSES.map(movesOf)),
    `Reserved for later: ${RESERVED_PAYMENT_STATUSES.map(code).join(', ')}.`,
    '## Attempt',
    'An attempt is one operation at a PG (payment gateway). It is stored before the call is made. Its state is read under a row lock and moves only along these arrows.',
    mermaid([
      'stateDiagram-v2',
      '  [*] --> READY',
      ...ATTEMPT_STATES.flatMap((from) => ATTEMPT_MOVES[from].map((to) => `  ${from} --> ${to}`)),
    ]),
    table(
      ['State', 'What is certain'],
      ATTEMPT_STATES.map((state) => [code(state), ATTEMPT_MEANINGS[state]]),
    ),
  ]);
}

const ATTEMPT_MEANINGS: Record<(typeof ATTEMPT_STATES)[number], string> = {
  READY: 'stored, never called',
  CALLING: 'a worker holds it under a lease and may be calling the PG',
  UNKNOWN:
    'a call may have been executed; inquiries follow, or the same bytes with the same key, never another first call',
  APPROVED:
    'done, with proof; of an approval: captured, and amount, currency, order and payment id are ours',
  DECLINED: "the PG's clear word that it did not and will not do it",
  NOT_SENT:
    'not executed: never called, or no byte left, or the PG does not know it when it must; looked at again for a late capture where bytes may have left',
  REVERSED: 'captured after all, and given back; never reported as paid',
};

function commands(): PaymentCommand['type'][] {
  return Object.keys(PAYMENT_MOVES.REQUESTED) as PaymentCommand['type'][];
}

function movesOf(status: (typeof PAYMENT_STATUSES)[number]): string[] {
  return [code(status), ...commands().map((name) => (PAYMENT_MOVES[status][name] ? 'yes' : ''))];
}

/** Three parts, so that a payment can be cancelled in part twice before nothing is left. */
const AMOUNT = 3n;
const PART = 1n;

/** Walks every way of one payment through `decide` and `evolve` and notes the moves it sees. */
function paymentDiagram(): string[] {
  const start = requestedPayment(AMOUNT);
  const seen = new Set([keyOf(start)]);
  const moves = new Set<string>();
  const open = [start];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const [label, command] of commandsOn(state)) {
      const decision = decide(state, command);
      if (!decision.ok) continue;
      const next = evolve(state, decision.fact);
      moves.add(`  ${statusOf(state)} --> ${statusOf(next)}: ${label}`);
      if (seen.has(keyOf(next))) continue;
      seen.add(keyOf(next));
      open.push(next);
    }
  }
  return ['stateDiagram-v2', `  [*] --> ${statusOf(start)}`, ...[...moves].sort(byStatus)];
}

function commandsOn(state: PaymentState): [string, PaymentCommand][] {
  const balance = balanceOf(state);
  return [
    ['approve', { type: 'approve', amount: state.amount }],
    ['fail', { type: 'fail' }],
    ...(balance > PART
      ? [['cancel part', { type: 'cancel', amount: PART }] satisfies [string, PaymentCommand]]
      : []),
    ['cancel rest', { type: 'cancel', amount: balance }],
    ['settle', { type: 'settle' }],
  ];
}

function byStatus(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || (a < b ? -1 : 1);
}

function rankOf(move: string): number {
  return PAYMENT_STATUSES.findIndex((status) => move.startsWith(`  ${status} `));
}

function keyOf(state: PaymentState): string {
  return JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
}
