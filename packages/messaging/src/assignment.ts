import type { Message, TopicPartition } from './kafka.ts';

/** A message of a partition that was ours when it came, and its place among what was given out. */
export interface Delivery {
  readonly message: Message;
  readonly generation: number;
}

export interface AssignedPartition extends TopicPartition {
  /** Where reading starts. */
  readonly offset: number;
}

interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  /** The next offset expected from the client. */
  next: number;
  /** All before it is done: what may be committed. */
  processed: number;
  /** Given out and not yet done, in order. */
  readonly open: number[];
  readonly done: Set<number>;
}

/**
 * The partitions that this member holds, and how far each of them is done. Every assignment of a
 * partition is a new generation: what was given out under an older one counts for nothing any
 * more. A partition's offset only moves over messages that are all done, in whatever order they
 * end.
 */
export class Assignment {
  readonly #partitions = new Map<string, PartitionState>();
  #generation = 0;

  get size(): number {
    return this.#partitions.size;
  }

  add(partitions: readonly AssignedPartition[]): void {
    for (const { topic, partition, offset } of partitions) {
      this.#generation += 1;
      this.#partitions.set(keyOf({ topic, partition }), {
        topic,
        partition,
        generation: this.#generation,
        next: offset,
        processed: offset,
        open: [],
        done: new Set(),
      });
    }
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#partitions.delete(keyOf(partition));
  }

  list(): { topic: string; partition: number; offset: number }[] {
    return [...this.#partitions.values()].map(({ topic, partition, processed }) => ({
      topic,
      partition,
      offset: processed,
    }));
  }

  /** How far a partition is done, or undefined when it is not ours. */
  processed(partition: TopicPartition): number | undefined {
    return this.#partitions.get(keyOf(partition))?.processed;
  }

  /**
   * Takes messages in the order in which the client gave them. Those of a partition that is not
   * ours, and those that came before, are left out. `skipped` counts offsets that never came.
   */
  admit(messages: readonly Message[]): { deliveries: Delivery[]; skipped: Map<string, number> } {
    const deliveries: Delivery[] = [];
    const skipped = new Map<string, number>();
    for (const message of messages) {
      const state = this.#partitions.get(keyOf(message));
      if (state === undefined || message.offset < state.next) continue;
      const gap = message.offset - state.next;
      if (gap > 0) skipped.set(state.topic, (skipped.get(state.topic) ?? 0) + gap);
      state.next = message.offset + 1;
      state.open.push(message.offset);
      deliveries.push({ message, generation: state.generation });
    }
    return { deliveries, skipped };
  }

  isCurrent({ message, generation }: Delivery): boolean {
    return this.#partitions.get(keyOf(message))?.generation === generation;
  }

  /** Marks messages as done; returns the partitions that moved, with the next offset to read. */
  complete(deliveries: readonly Delivery[]): AssignedPartition[] {
    const touched = new Set<PartitionState>();
    for (const delivery of deliveries) {
      const state = this.#partitions.get(keyOf(delivery.message));
      if (state?.generation !== delivery.generation) continue;
      state.done.add(delivery.message.offset);
      touched.add(state);
    }
    return [...touched].filter(advance).map(({ topic, partition, processed }) => ({
      topic,
      partition,
      offset: processed,
    }));
  }
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}[${partition}]`;
}

function advance(state: PartitionState): boolean {
  let count = 0;
  for (const offset of state.open) {
    if (!state.done.delete(offset)) break;
    state.processed = offset + 1;
    count += 1;
  }
  state.open.splice(0, count);
  return count > 0;
}
