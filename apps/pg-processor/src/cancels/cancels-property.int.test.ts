import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CancelStep } from '../../test/fake-toss.ts';
import {
  attemptsOf,
  cancelOf,
  cancelsOf,
  createRig,
  makeDue,
  type Rig,
  receive,
  receiveCancels,
  requested,
  settle,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';
import { startCancels } from './start-cancels.ts';

let rig: Rig;
let processors: readonly [Deps, Deps];
beforeAll(async () => {
  rig = await createRig();
  processors = [rig.processor(), rig.processor()];
});
afterAll(() => rig.close());

const RUNS = 25;

const step: fc.Arbitrary<CancelStep> = fc.constantFrom<CancelStep>(
  'done',
  'done',
  'reset',
  'done-then-reset',
  'done-then-500',
  { refuse: 'MAINTAINED_METHOD' },
  { refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 },
);

const asked = fc.record({
  amount: fc.option(fc.integer({ min: 1, max: 12_000 })),
  step,
  deliveries: fc.integer({ min: 1, max: 3 }),
});

/** What may happen between two deliveries. */
const turn = fc.constantFrom('start', 'dispatch', 'inquire', 'approval', 'nothing');

describe('partial cancels of one payment', () => {
  it('in any interleaving never exceed it, and each is made at the PG at most once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(asked, { minLength: 1, maxLength: 5 }),
        fc.array(turn, { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        async (cancels, turns, random) => {
          await rig.clear();
          const request = requested();
          const window = rig.toss.window({
            ...request,
            cancelScript: [...cancels.map((one) => one.step), 'done'],
          });
          const draw = (below: number) => (random.next().value ?? 0) % below;
          const pick = () => processors[draw(2) as 0 | 1];
          const deliveries = cancels.flatMap(({ amount, deliveries }) =>
            Array<ReturnType<typeof cancelOf>>(deliveries).fill(cancelOf(request, { amount })),
          );
          const act = async (what: string) => {
            if (what === 'approval') await receive(pick(), request);
            if (what === 'start') await startCancels(pick().startCancels);
            if (what === 'dispatch') await pick().dispatcher.runOnce();
            if (what === 'inquire') {
              await makeDue(rig.pool);
              await pick().inquirer.runOnce();
            }
          };
          while (deliveries.length > 0) {
            const [delivered] = deliveries.splice(draw(deliveries.length), 1);
            if (!delivered) break;
            await Promise.all([
              receiveCancels(pick(), delivered),
              act(turns.splice(0, 1)[0] ?? 'nothing'),
            ]);
          }
          for (const what of turns) await act(what);
          await receive(pick(), request);
          await settle(pick());

          const byHand = window.cancels.reduce((sum, { cancelAmount }) => sum + cancelAmount, 0);
          expect(byHand).toBeLessThanOrEqual(request.amount);
          const stored = await cancelsOf(rig.pool, request.paymentId);
          const done = stored.filter((cancel) => cancel.remaining_after !== null);
          const transactions = window.cancels.map(({ transactionKey }) => transactionKey);
          const recorded = (await attemptsOf(rig.pool, request.paymentId))
            .filter(({ cancel_id, state }) => cancel_id !== null && state === 'APPROVED')
            .map(({ pg_transaction_id }) => pg_transaction_id);
          expect(recorded.toSorted()).toEqual(transactions.toSorted());
          expect(done).toHaveLength(transactions.length);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
