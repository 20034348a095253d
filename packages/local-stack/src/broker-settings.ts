/**
 * The settings of a broker on one machine, whichever way it runs; addresses and folders come
 * beside them. `docker-compose.yml` has the same, which a test holds it to.
 */
export const BROKER_SETTINGS: Readonly<Record<string, string | number>> = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  // Topics are made by their producer's migrations.
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  // The broker, not the client, says how soon a dead consumer's partitions move on.
  'group.consumer.session.timeout.ms': 3000,
  'group.consumer.min.session.timeout.ms': 3000,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.min.heartbeat.interval.ms': 500,
  'group.initial.rebalance.delay.ms': 0,
  // The default of 128 MiB is a third of the heap.
  'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
};

/**
 * How its Java is started: a heap that is enough for one machine, and the first of its two compilers
 * alone. The second takes more of a small machine for minutes than its code gives back, and brokers
 * here seldom last that long.
 */
export const BROKER_JAVA_FLAGS = ['-Xmx384m', '-XX:TieredStopAtLevel=1'] as const;

/** The name by which the broker's image takes a setting: `a.b.c` as KAFKA_A_B_C. */
export function brokerVariable(setting: string): string {
  return `KAFKA_${setting.toUpperCase().replaceAll('.', '_')}`;
}
