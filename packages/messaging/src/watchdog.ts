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
  /** Ticks in which something is behind and nothing moves, or a partition is dead. */
  readonly progressTicksMax: number;
}

/** A partition may have to wait for others that are behind as well; but not for ever. */
const STARVED_FACTOR = 10;

/**
 * Tells a consumer that does nothing from one that has nothing to do. It counts its own ticks
 * rather than time, so that a process which was paused is not taken for one that hangs.
 */
export class Watchdog {
  readonly #limits: WatchdogLimits;
  #loopTicks = 0;
  #stillTicks = 0;
  #partitions = new Map<string, PartitionVitals & { behindTicks: number; deadTicks: number }>();

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
    let moved = false;
    for (const vitals of partitions) {
      const known = before.get(keyOf(vitals));
      const still = known !== undefined && known.processed === vitals.processed;
      moved ||= !still;
      this.#partitions.set(keyOf(vitals), {
        ...vitals,
        behindTicks: still && vitals.behind ? known.behindTicks + 1 : 0,
        deadTicks: still && vitals.dead ? known.deadTicks + 1 : 0,
      });
    }
    const behind = partitions.some((vitals) => vitals.behind);
    this.#stillTicks = behind && !moved ? this.#stillTicks + 1 : 0;
    return this.problem();
  }

  problem(): string | undefined {
    const { loopTicksMax, progressTicksMax } = this.#limits;
    if (this.#loopTicks > loopTicksMax) {
      return `the consumer loop has not turned for ${this.#loopTicks} checks`;
    }
    if (this.#stillTicks > progressTicksMax) {
      return `the consumer is behind and has not moved for ${this.#stillTicks} checks`;
    }
    for (const [key, { behindTicks, deadTicks }] of this.#partitions) {
      if (deadTicks > progressTicksMax) {
        return `${key} has not been read for ${deadTicks} checks`;
      }
      if (behindTicks > progressTicksMax * STARVED_FACTOR) {
        return `${key} is behind and has not moved for ${behindTicks} checks`;
      }
    }
    return undefined;
  }
}
