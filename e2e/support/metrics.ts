import { send } from './http.ts';

const LINE = /^(?<name>[a-z_]+)(?:\{(?<labels>[^}]*)\})? (?<value>\S+)$/gm;
const PARTITION = /group="(?<group>[^"]*)".*topic="(?<topic>[^"]*)".*partition="(?<partition>\d+)"/;

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** The sum of a metric of an instance over all its labels; 0 when it has none yet. */
export async function metricOf(url: string, name: string): Promise<number> {
  const samples = (await samplesOf(url)).filter((sample) => sample.name === name);
  return samples.reduce((sum, { value }) => sum + value, 0);
}

export interface Partition {
  readonly group: string;
  readonly topic: string;
  readonly partition: string;
}

/** The partitions whose lag an instance reports: those that it consumes. */
export async function partitionsOf(url: string): Promise<Partition[]> {
  const samples = (await samplesOf(url)).filter(({ name }) => name === 'kafka_consumer_lag');
  return samples.map(({ labels }) => {
    const { group = '', topic = '', partition = '' } = PARTITION.exec(labels)?.groups ?? {};
    return { group, topic, partition };
  });
}

async function samplesOf(url: string): Promise<Sample[]> {
  const { text } = await send(`${url}/metrics`);
  return [...text.matchAll(LINE)].map(({ groups = {} }) => {
    const { name = '', labels = '', value = '' } = groups;
    return { name, labels, value: Number(value) };
  });
}
