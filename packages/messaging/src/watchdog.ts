import { keyOf } from './assignment.ts';
import type { TopicPartition } from './kafka.ts';

/** What is known of a partition at a moment. */
export interface PartitionVitals extends TopicPartition {
  /** Whether messages wait that could be read: Kafka answers, and nothing is paused. */
  readonly behind: boolean;
  /** Whether the client stopped reading it for good. */
  readonly dead: boolean;
  readonly processed: number;
}

export interface WatchdogLimits {
  /** Ticks without a round of the loop. */
  readonly loopTicksMax: number;
  /** Ticks in which a partition is behind and does not move, or is dead. */
  readonly progressTicksMax: number;
}

/**
 * Tells a consumer that does nothing from one that has nothing to do. It counts its own ticks
 * rather than time, so that a process which was paused is not taken for one that hangs.
 */
export class Watchdog {
  readonly #limits: WatchdogLimits;
  #loopTicks = 0;
  #partitions = new Map<string, { processed: number; ticks: number }>();

  constructor(limits: WatchdogLimits) {
    this.#limits = limits;
  }

  /** The loop did a round. */
  noteRound(): void {
    this.#loopTicks = 0;
  }

  /** Returns what is wrong, if anything is. */
  tick(partitions: readonly PartitionVitals[]): string | undefined {
    this.#loopTicks += 1;
    const before = this.#partitions;
    this.#partitions = new Map();
    for (const vitals of partitions) {
      if (!vitals.behind && !vitals.dead) continue;
      const known = before.get(keyOf(vitals));
      const moved = known?.processed !== vitals.processed;
      this.#partitions.set(keyOf(vitals), {
        processed: vitals.processed,
        ticks: moved ? 0 : known.ticks + 1,
      });
    }
    return this.problem();
  }

  problem(): string | undefined {
    if (this.#loopTicks > this.#limits.loopTicksMax) {
      return `the consumer loop has not turned for ${this.#loopTicks} checks`;
    }
    for (const [key, { ticks }] of this.#partitions) {
      if (ticks > this.#limits.progressTicksMax) {
        return `${key} is behind and has not moved for ${ticks} checks`;
      }
    }
    return undefined;
  }
}
