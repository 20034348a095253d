import type { FastifyError, FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Journal } from './journal.ts';
import type { Ledger, LedgerRow } from './ledger.ts';
import { Mix } from './mix.ts';
import { SCENARIO_TERMS, ScenarioError, type ScenarioReader } from './scenario.ts';
import type { SimClock } from './sim-clock.ts';
import type { TossPayments, TossWindow } from './toss/toss-payments.ts';

export interface ControlDeps {
  readonly clock: SimClock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly mix: { current: Mix | null };
  readonly tossPayments: TossPayments;
  readonly tossScenarios: ScenarioReader;
}

const AMOUNT_MAX = 1_000_000_000_000;
const BATCH_MAX = 10_000;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 10_000;
const LATENCY_MAX_MS = 600_000;
const MIX_SCENARIOS_MAX = 100;
const BODY_MAX_BYTES = 8_388_608;

const windowSchema = z.strictObject({
  orderId: z.string().regex(/^[A-Za-z0-9_=-]{6,64}$/, 'must be 6 to 64 of A-Z a-z 0-9 _ - ='),
  orderName: z.string().max(100).optional(),
  amount: z.int().min(1).max(AMOUNT_MAX),
  scenario: z.string().optional(),
});

const listedSchema = z.strictObject({ items: z.array(windowSchema).min(1).max(BATCH_MAX) });

const countedSchema = z.strictObject({
  count: z.int().min(1).max(BATCH_MAX),
  orderIdPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/)
    .default('order'),
  amount: z.int().min(1).max(AMOUNT_MAX).default(10_000),
  scenario: z.string().optional(),
});

const mixSchema = z.strictObject({
  seed: z.int().min(0).max(0xffff_ffff),
  latencyMs: z.int().min(0).max(LATENCY_MAX_MS).default(0),
  scenarios: z
    .record(z.string(), z.number().min(0).max(1_000_000))
    .refine((scenarios) => Object.keys(scenarios).length <= MIX_SCENARIOS_MAX, {
      message: `at most ${MIX_SCENARIOS_MAX} scenarios`,
    }),
});

const ledgerQuerySchema = z.strictObject({
  pg: z.string().optional(),
  orderId: z.string().optional(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
});

const clockSchema = z.strictObject({ offsetMs: z.int() });

/** What no PG has: windows without a browser, the mix of faults, the clock and the truth. */
export function controlRoutes(deps: ControlDeps) {
  const { clock, ledger, mix } = deps;

  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error: FastifyError, _request, reply) => {
      void reply.code(statusOf(error)).send(bodyOf(error));
    });

    app.post('/toss/windows', async (request, reply) => {
      const [window] = openWindows(deps, [windowSchema.parse(request.body)]);
      return reply.code(201).send(window);
    });

    app.post('/toss/windows/batch', { bodyLimit: BODY_MAX_BYTES }, async (request, reply) => {
      const isListed = Object.hasOwn(Object(request.body), 'items');
      const items = isListed
        ? listedSchema.parse(request.body).items
        : numbered(countedSchema.parse(request.body));
      return reply.code(201).send({ data: openWindows(deps, items) });
    });

    app.get('/mix', async () => mix.current?.settings ?? {});
    app.put('/mix', async (request) => {
      mix.current = new Mix(mixSchema.parse(request.body), deps.tossScenarios);
      return mix.current.settings;
    });
    app.delete('/mix', async (_request, reply) => {
      mix.current = null;
      return reply.code(204).send();
    });

    app.get('/clock', async () => ({ offsetMs: clock.offsetMs, now: clock.now().toISOString() }));
    app.post('/clock', async (request) => {
      clock.moveTo(clockSchema.parse(request.body).offsetMs);
      return { offsetMs: clock.offsetMs, now: clock.now().toISOString() };
    });

    app.get('/ledger', async (request) => {
      const { rows, next } = ledger.page(ledgerQuerySchema.parse(request.query));
      return { data: rows.map(rowView), next };
    });
  };
}

type WindowRequest = z.infer<typeof windowSchema>;

function openWindows(deps: ControlDeps, requests: readonly WindowRequest[]) {
  const windows = requests.map((request): TossWindow => {
    const scenario = request.scenario ?? deps.mix.current?.pick().text ?? 'approve';
    // Refused before anything is written: a batch is opened whole or not at all.
    deps.tossScenarios.read(scenario);
    const { orderId, amount } = request;
    return { orderId, orderName: request.orderName ?? null, amount, scenario };
  });
  return deps.tossPayments
    .open(deps.journal, windows)
    .map(({ paymentKey, orderId, amount }) => ({ paymentKey, orderId, amount }));
}

let batches = 0;

function numbered(batch: z.infer<typeof countedSchema>): WindowRequest[] {
  batches += 1;
  const start = `${batch.orderIdPrefix}-${Date.now().toString(36)}${batches}`;
  return Array.from({ length: batch.count }, (_, index) => ({
    orderId: `${start}-${index}`,
    amount: batch.amount,
    ...(batch.scenario !== undefined && { scenario: batch.scenario }),
  }));
}

function rowView({ atMs, ...row }: LedgerRow) {
  return { ...row, at: new Date(atMs).toISOString() };
}

function statusOf(error: FastifyError): number {
  if (error instanceof z.ZodError || error instanceof ScenarioError) return 400;
  return error.statusCode ?? 500;
}

function bodyOf(error: FastifyError): object {
  if (error instanceof z.ZodError) {
    const errors = error.issues.map(({ path, message }) => ({
      pointer: `/${path.join('/')}`,
      message,
    }));
    return { code: 'INVALID', message: 'correct the fields named in errors', errors };
  }
  if (error instanceof ScenarioError) {
    return { code: 'UNKNOWN_SCENARIO', message: error.message, scenarios: SCENARIO_TERMS };
  }
  return { code: error.code ?? 'FAILED', message: error.message };
}
