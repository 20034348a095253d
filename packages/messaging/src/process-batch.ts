/** A handler throws it for one event that can never be handled: it becomes a dead letter. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

/** What a batch is processed with; the consumer loop gives it, a test gives its own. */
export interface BatchPorts<Item> {
  handle(items: readonly Item[]): Promise<void>;
  isTransient(error: unknown): boolean;
  /** Called after a transient failure; resolves when it is time to try again. */
  retryLater(error: unknown, attempts: number): Promise<void>;
  /** Writes a dead letter; false when it was given up, because the item is not ours any more. */
  bury(item: Item, error: unknown, attempts: number): Promise<boolean>;
  /** Leaves out what is not ours any more. */
  current(items: readonly Item[]): readonly Item[];
  /** The effects of these items are durable. */
  done(items: readonly Item[]): void;
}

/**
 * Handles a batch until nothing of it is left: as a whole while it can, one by one after a failure
 * that will not pass by itself, so that only the culprit becomes a dead letter. A failure that
 * passes is waited out for as long as it takes; the items stay in order.
 */
export async function processBatch<Item>(
  items: readonly Item[],
  ports: BatchPorts<Item>,
): Promise<void> {
  const left = await handleOrGiveBack(items, ports);
  for (const item of left.items) await handleOne(item, ports, left.attempts);
}

/** Handles items together; gives those back that must be handled one by one. */
async function handleOrGiveBack<Item>(
  items: readonly Item[],
  ports: BatchPorts<Item>,
): Promise<{ items: readonly Item[]; attempts: number }> {
  for (let attempts = 1; ; attempts += 1) {
    const batch = ports.current(items);
    if (batch.length === 0) return { items: [], attempts };
    try {
      await ports.handle(batch);
      ports.done(batch);
      return { items: [], attempts };
    } catch (error) {
      if (!ports.isTransient(error)) return giveBack(batch, error, attempts, ports);
      await ports.retryLater(error, attempts);
    }
  }
}

/** A single event that its handler calls poison needs no second try. */
async function giveBack<Item>(
  batch: readonly Item[],
  error: unknown,
  attempts: number,
  ports: BatchPorts<Item>,
): Promise<{ items: readonly Item[]; attempts: number }> {
  const [only] = batch;
  if (batch.length !== 1 || only === undefined || !(error instanceof PoisonError)) {
    return { items: batch, attempts };
  }
  await buryItem(only, error, attempts, ports);
  return { items: [], attempts };
}

async function handleOne<Item>(
  item: Item,
  ports: BatchPorts<Item>,
  attemptsBefore: number,
): Promise<void> {
  for (let attempts = attemptsBefore + 1; ports.current([item]).length > 0; attempts += 1) {
    try {
      await ports.handle([item]);
      return ports.done([item]);
    } catch (error) {
      if (!ports.isTransient(error)) return buryItem(item, error, attempts, ports);
      await ports.retryLater(error, attempts);
    }
  }
}

async function buryItem<Item>(
  item: Item,
  error: unknown,
  attempts: number,
  ports: BatchPorts<Item>,
): Promise<void> {
  if (await ports.bury(item, error, attempts)) ports.done([item]);
}
