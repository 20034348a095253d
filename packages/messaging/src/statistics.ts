import { z } from 'zod';
import type { TopicPartition } from './kafka.ts';

/** The part of librdkafka's statistics (STATISTICS.md) that we use. */
const statisticsSchema = z.object({
  cgrp: z.object({ state: z.string(), stateage: z.int(), join_state: z.string() }).optional(),
  brokers: z.record(z.string(), z.object({ nodeid: z.int(), state: z.string() })),
  topics: z.record(
    z.string(),
    z.object({
      partitions: z.record(
        z.string(),
        z.object({
          partition: z.int(),
          leader: z.int(),
          fetch_state: z.string(),
          hi_offset: z.int(),
          ls_offset: z.int(),
        }),
      ),
    }),
  ),
});

export interface PartitionStatistics extends TopicPartition {
  /** The end of the log as last seen; negative when not known. */
  readonly endOffset: number;
  readonly fetching: boolean;
  readonly leaderUp: boolean;
}

export interface ConsumerStatistics {
  /** Whether the member takes part in its group, with or without partitions. */
  readonly joined: boolean;
  readonly partitions: readonly PartitionStatistics[];
}

const ASSIGNED = 'steady';
const COORDINATED = 'up';
/** A member that the coordinator has known for so long without giving it anything gets nothing. */
const ASSIGNMENT_WAIT_MAX_MS = 5_000;
/** What a partition's reading is in once the client has given it up. */
const NOT_FETCHING = 'none';

export function parseStatistics(json: string): ConsumerStatistics {
  const statistics = statisticsSchema.parse(JSON.parse(json));
  const brokers = Object.values(statistics.brokers);
  const up = new Set(brokers.filter(({ state }) => state === 'UP').map(({ nodeid }) => nodeid));
  const partitions = Object.entries(statistics.topics).flatMap(([topic, { partitions }]) =>
    Object.values(partitions)
      .filter(({ partition }) => partition >= 0)
      .map((partition) => ({
        topic,
        partition: partition.partition,
        endOffset: Math.max(partition.hi_offset, partition.ls_offset),
        fetching: partition.fetch_state !== NOT_FETCHING,
        leaderUp: up.has(partition.leader),
      })),
  );
  return { joined: isJoined(statistics.cgrp), partitions };
}

function isJoined(group: z.infer<typeof statisticsSchema>['cgrp']): boolean {
  if (group === undefined) return false;
  const idle = group.state === COORDINATED && group.stateage > ASSIGNMENT_WAIT_MAX_MS;
  return group.join_state === ASSIGNED || idle;
}
