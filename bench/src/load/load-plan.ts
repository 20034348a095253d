import { z } from 'zod';

const CONNECTIONS_MAX = 4_096;
const MILLISECONDS_MAX = 3_600_000;

/** Payments, each its own; every so many requests one is sent again, with its key and its body. */
const paymentTrafficSchema = z.strictObject({
  kind: z.literal('payments'),
  /** One merchant a connection, in turn. */
  secretKeys: z.array(z.string().min(1)).min(1),
  /** What keeps the keys and orders of one run apart from those of another. */
  runId: z.string().regex(/^[a-z0-9]{1,16}$/),
  /** Of so many requests of a connection the last is a repeat of an earlier one. */
  repeatEvery: z.int().min(4).optional(),
  /** Whether the server knows repeats, so that one that is answered as new is a fault. */
  marksReplays: z.boolean(),
  waitSeconds: z.int().min(1).max(30).optional(),
  /** A file with a PG's payment key per line, all of one length; made up unless given. */
  paymentKeysFile: z.string().optional(),
});

/** Reads of payments that exist, in turn. */
const readTrafficSchema = z.strictObject({
  kind: z.literal('reads'),
  targets: z.array(z.strictObject({ path: z.string(), secretKey: z.string() })).min(1),
});

/** What one run of the generator does. */
export const loadPlanSchema = z.strictObject({
  port: z.int().min(1).max(65_535),
  connections: z.int().min(1).max(CONNECTIONS_MAX),
  /** Arrivals a second at constant distance; without it each connection sends as it is answered. */
  ratePerSecond: z.number().positive().optional(),
  /**
   * More may be sent than can be done: a 503 that says when to repeat is right too, and its payment
   * is sent again, with its key. In the open loop an arrival that finds no free connection is counted
   * as late and not sent.
   */
  isOverload: z.boolean().optional(),
  warmupMs: z.int().min(0).max(MILLISECONDS_MAX),
  durationMs: z.int().min(1).max(MILLISECONDS_MAX),
  /** Statuses that are right; any other makes the run fail. */
  statuses: z.array(z.int()).min(1),
  traffic: z.discriminatedUnion('kind', [paymentTrafficSchema, readTrafficSchema]),
});

export type LoadPlan = z.input<typeof loadPlanSchema>;
export type PaymentTraffic = z.output<typeof paymentTrafficSchema>;
export type ReadTraffic = z.output<typeof readTrafficSchema>;

/** Milliseconds. */
export const latencySchema = z.object({
  mean: z.number(),
  p50: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
});

export type Latency = z.infer<typeof latencySchema>;

export const loadResultSchema = z.object({
  /** Answers within the measured time, but for refusals. */
  answers: z.int(),
  replays: z.int(),
  statuses: z.record(z.string(), z.int()),
  answersPerSecond: z.number(),
  latency: latencySchema,
  /** What an overload had refused, and what it could not even send. */
  refused: z.int(),
  refusalLatency: latencySchema,
  late: z.int(),
  /** Over the whole run, the warm-up included. */
  taken: z.int(),
  /** The generator's own processor time, user and system. */
  cpuMicros: z.int(),
});

export type LoadResult = z.infer<typeof loadResultSchema>;

/** What the generator tells whoever started it. */
export const loadEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('measuring') }),
  z.object({ event: z.literal('measured') }),
  z.object({ event: z.literal('done'), result: loadResultSchema }),
  z.object({ event: z.literal('failed'), message: z.string() }),
]);

export type LoadEvent = z.infer<typeof loadEventSchema>;
