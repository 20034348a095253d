export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** The offset that the next message of the partition gets. */
  readonly endOffset: bigint;
  /** The group's committed offset: the next that it reads; null when it has committed none. */
  readonly committed: bigint | null;
}

export async function readProgress(_options: {
  brokers: string;
  groupId: string;
  topics: readonly string[];
}): Promise<PartitionProgress[]> {
  throw new Error('follows');
}
