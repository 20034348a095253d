/** The queue in front of a coalescer is full; the item was not taken. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

export interface CoalescerOptions<Item, Result> {
  /** Writes a batch and returns a result per item, in the same order; rejects for all of them. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly batchMax: number;
  readonly queueMax: number;
  /** How many batches may be written at once. */
  readonly flushesMax?: number;
}

export interface Coalescer<Item, Result> {
  /** Resolves when the batch that holds the item is written. @throws QueueFullError */
  submit(item: Item): Promise<Result>;
  /** How many items wait for a batch. */
  readonly depth: number;
  /** Writes what is queued and takes nothing new. */
  drain(): Promise<void>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit in the application: items that arrive while a batch is being written form the next
 * one. There is no timer, so a lone item is written at once.
 */
export function createCoalescer<Item, Result>(
  options: CoalescerOptions<Item, Result>,
): Coalescer<Item, Result> {
  const flushesMax = options.flushesMax ?? 1;
  let queue: Waiting<Item, Result>[] = [];
  let flushing = 0;
  let draining = false;
  let scheduled = false;
  let onIdle: (() => void) | undefined;

  const flushBatch = async (batch: readonly Waiting<Item, Result>[]) => {
    try {
      const results = await options.flush(batch.map((waiting) => waiting.item));
      if (results.length !== batch.length) throw new Error('a flush must answer every item');
      batch.forEach((waiting, index) => {
        waiting.resolve(results[index] as Result);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  };

  const pump = () => {
    scheduled = false;
    while (queue.length > 0 && flushing < flushesMax) {
      const batch = queue.slice(0, options.batchMax);
      queue = queue.slice(batch.length);
      flushing += 1;
      void flushBatch(batch).finally(() => {
        flushing -= 1;
        pump();
      });
    }
    if (queue.length === 0 && flushing === 0) onIdle?.();
  };

  return {
    submit(item) {
      if (draining || queue.length >= options.queueMax) {
        return Promise.reject(new QueueFullError(draining ? 'draining' : 'the queue is full'));
      }
      return new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        if (scheduled || flushing >= flushesMax) return;
        // Items of the same turn of the event loop belong to one batch.
        scheduled = true;
        setImmediate(pump);
      });
    },
    get depth() {
      return queue.length;
    },
    async drain() {
      draining = true;
      if (queue.length === 0 && flushing === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
