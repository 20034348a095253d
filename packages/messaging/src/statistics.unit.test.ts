import { describe, expect, it } from 'vitest';
import { parseStatistics } from './statistics.ts';

function statistics(partition: object, group: object = {}): string {
  return JSON.stringify({
    name: 'client',
    cgrp: { state: 'up', stateage: 100, join_state: 'steady', rebalance_age: 1, ...group },
    brokers: {
      'b1:9092/1': { nodeid: 1, state: 'UP', nodename: 'b1' },
      'b2:9092/2': { nodeid: 2, state: 'DOWN' },
    },
    topics: {
      t: {
        topic: 't',
        partitions: {
          '-1': { partition: -1, leader: -1, fetch_state: 'none', hi_offset: -1, ls_offset: -1 },
          '0': {
            partition: 0,
            leader: 1,
            fetch_state: 'active',
            hi_offset: 10,
            ls_offset: 10,
            ...partition,
          },
        },
      },
    },
  });
}

const only = (partition: object) => parseStatistics(statistics(partition)).partitions;

describe('statistics of the client', () => {
  it('tell how each partition stands', () => {
    expect(only({})).toEqual([
      { topic: 't', partition: 0, endOffset: 10, fetching: true, leaderUp: true },
    ]);
  });

  it('tell a leader that is away and a partition that is given up', () => {
    expect(only({ leader: 2, fetch_state: 'none', hi_offset: -1001, ls_offset: -1001 })).toEqual([
      { topic: 't', partition: 0, endOffset: -1001, fetching: false, leaderUp: false },
    ]);
  });

  it.each([
    [true, 'is assigned', {}],
    [false, 'waits for its assignment', { join_state: 'init' }],
    [true, 'was given nothing', { join_state: 'init', stateage: 5_001 }],
    [false, 'finds no coordinator', { state: 'query-coord', join_state: 'init', stateage: 9_000 }],
  ])('tell %s for a member that %s', (joined, _, group) => {
    expect(parseStatistics(statistics({}, group)).joined).toBe(joined);
  });
});
