import { Counter, Gauge, Histogram, type Registry } from '@mini-pg/runtime';

/** Makes metrics; what the registry already has is used again, since a process has many clients. */
export interface Metrics {
  counter<Label extends string>(name: string, help: string, ...labels: Label[]): Counter<Label>;
  gauge<Label extends string>(name: string, help: string, ...labels: Label[]): Gauge<Label>;
  histogram<Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labels: Label[]
  ): Histogram<Label>;
}

export function createMetrics(registry: Registry): Metrics {
  const registers = [registry];
  return {
    counter(name, help, ...labelNames) {
      const existing = registry.getSingleMetric(name);
      return existing instanceof Counter
        ? existing
        : new Counter({ name, help, labelNames, registers });
    },
    gauge(name, help, ...labelNames) {
      const existing = registry.getSingleMetric(name);
      return existing instanceof Gauge
        ? existing
        : new Gauge({ name, help, labelNames, registers });
    },
    histogram(name, help, buckets, ...labelNames) {
      const existing = registry.getSingleMetric(name);
      return existing instanceof Histogram
        ? existing
        : new Histogram({ name, help, buckets, labelNames, registers });
    },
  };
}
