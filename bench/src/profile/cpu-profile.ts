import { z } from 'zod';

/** What V8 writes for `--cpu-prof`: a tree of frames, and the frame of each sample. */
const cpuProfileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).default([]),
    }),
  ),
  /** Microseconds of the machine's monotonic clock, as `process.hrtime` reads it. */
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.int()),
});

/** A function where it was called from; times in microseconds. */
export interface Frame {
  readonly name: string;
  /** Which package of ours or of others it is in, or a part of Node. */
  readonly owner: string;
  readonly selfMicros: number;
  /** Its own and that of all it called. */
  readonly totalMicros: number;
  readonly children: readonly Frame[];
}

/** Time in which the process did nothing. */
const IDLE = '(idle)';

/** A part of a profile's time, in microseconds of the monotonic clock. */
export interface Window {
  readonly fromMicros: number;
  readonly toMicros: number;
}

/**
 * Reads a part of a profile as a tree, without the idle time; a function called twice from one
 * place is one.
 */
export function readCpuProfile(text: string, { fromMicros, toMicros }: Window): Frame {
  const { nodes, samples, timeDeltas, startTime } = cpuProfileSchema.parse(JSON.parse(text));
  const selfOf = new Map<number, number>();
  let at = startTime;
  samples.forEach((id, index) => {
    const micros = timeDeltas[index] ?? 0;
    at += micros;
    if (at >= fromMicros && at <= toMicros) selfOf.set(id, (selfOf.get(id) ?? 0) + micros);
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frameOf = (id: number): Frame => {
    const node = byId.get(id);
    if (node === undefined) throw new Error(`The profile lacks its node ${id}.`);
    const children = merge(node.children.map(frameOf)).filter(({ name }) => name !== IDLE);
    const selfMicros = selfOf.get(id) ?? 0;
    const { functionName, url, lineNumber } = node.callFrame;
    return {
      name: nameOf(functionName, url, lineNumber),
      owner: ownerOf(url, functionName),
      selfMicros,
      totalMicros: children.reduce((sum, { totalMicros }) => sum + totalMicros, selfMicros),
      children,
    };
  };
  const [root] = nodes;
  if (root === undefined) throw new Error('The profile is empty.');
  return frameOf(root.id);
}

function merge(frames: readonly Frame[]): Frame[] {
  const merged = new Map<string, Frame>();
  for (const frame of frames) {
    const key = `${frame.owner} ${frame.name}`;
    const same = merged.get(key);
    merged.set(key, same === undefined ? frame : joined(same, frame));
  }
  return [...merged.values()];
}

function joined(one: Frame, other: Frame): Frame {
  return {
    ...one,
    selfMicros: one.selfMicros + other.selfMicros,
    totalMicros: one.totalMicros + other.totalMicros,
    children: merge([...one.children, ...other.children]),
  };
}

function nameOf(functionName: string, url: string, lineNumber: number): string {
  if (functionName !== '') return functionName;
  const file = url.slice(url.lastIndexOf('/') + 1);
  return file === '' ? '(anonymous)' : `(anonymous) ${file}:${lineNumber + 1}`;
}

const INSTALLED = /\/node_modules\/(?:\.pnpm\/.*\/node_modules\/)?((?:@[^/]+\/)?[^/]+)\//;
const OURS = /\/(?:packages|apps)\/([^/]+)\/(?:dist|src)\//;

/** `fastify`, `mini-pg/payment-api`, `node:internal/...`, or what V8 does for itself. */
export function ownerOf(url: string, functionName: string): string {
  if (url.startsWith('node:')) return 'node';
  const installed = INSTALLED.exec(url)?.[1];
  if (installed !== undefined) return installed;
  const ours = OURS.exec(url)?.[1];
  if (ours !== undefined) return `mini-pg/${ours}`;
  return functionName === '(garbage collector)' ? 'garbage collector' : 'node, native';
}

/** Own time by what a frame is called by `keyOf`, the most first. */
export function selfTimes(
  root: Frame,
  keyOf: (frame: Frame) => string,
): { key: string; micros: number }[] {
  const sums = new Map<string, number>();
  const visit = (frame: Frame): void => {
    const key = keyOf(frame);
    sums.set(key, (sums.get(key) ?? 0) + frame.selfMicros);
    frame.children.forEach(visit);
  };
  visit(root);
  return [...sums].map(([key, micros]) => ({ key, micros })).sort((a, b) => b.micros - a.micros);
}
