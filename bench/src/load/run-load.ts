import { constantArrivals } from './arrivals.ts';
import { type Connection, openConnection } from './connection.ts';
import type { LoadEvent, LoadPlan, LoadResult } from './load-plan.ts';
import { type Requests, requestsOf } from './requests.ts';
import { Tally } from './tally.ts';

/** How long the last answers may take once nothing new is sent. */
const LAST_ANSWERS_TIMEOUT_MS = 60_000;
const TICK_MS = 1;
/** Connections opened at once; a backlog holds 511 for Node. */
const OPENING_MAX = 128;
const ARE_YOU_THERE = Buffer.from('GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n', 'latin1');

interface Run {
  readonly plan: LoadPlan;
  readonly connections: readonly Connection[];
  readonly requests: Requests;
  readonly tally: Tally;
  /** From the first request on, in milliseconds. */
  elapsedMs(): number;
  /** Counts an answer if its time lies within the measured part. */
  isMeasured(atMs: number): boolean;
}

/**
 * Puts load on a server of this machine as planned: warms up, measures, and ends by itself.
 *
 * @param notify told when the measured time begins and ends
 * @throws Error when a connection breaks, or any answer is not what it has to be
 */
export async function runLoad(
  plan: LoadPlan,
  notify: (event: LoadEvent) => void,
): Promise<LoadResult> {
  const broken = Promise.withResolvers<never>();
  const connections = await Promise.race([openAll(plan, broken.reject), broken.promise]);
  const startedAt = performance.now();
  const endMs = plan.warmupMs + plan.durationMs;
  const run: Run = {
    plan,
    connections,
    requests: requestsOf(plan),
    tally: new Tally(plan),
    elapsedMs: () => performance.now() - startedAt,
    isMeasured: (atMs) => atMs >= plan.warmupMs && atMs < endMs,
  };
  const watched = watchWindow(plan, notify);
  try {
    const finished = plan.ratePerSecond === undefined ? closedLoop(run) : openLoop(run);
    await Promise.race([finished, watched.overdue, broken.promise]);
    if (run.tally.fault !== undefined) throw new Error(`The load met ${run.tally.fault}.`);
    // The last answer may come before the timer of the end: what was used is known only then.
    await watched.over;
    if (run.tally.isEmpty) throw new Error('No answer came in the measured time.');
    return run.tally.result(watched.cpuMicros());
  } finally {
    watched.stop();
    for (const connection of connections) connection.close();
  }
}

/**
 * Each is answered once before the next are opened: what a server's backlog has no room for looks
 * open to us, and its first request is sent again and again by the kernel, for seconds.
 */
async function openAll(plan: LoadPlan, onError: (error: Error) => void): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < plan.connections) {
    const from = connections.length;
    const length = Math.min(OPENING_MAX, plan.connections - from);
    const opening = Array.from({ length }, (_, index) =>
      openConnection(plan.port, from + index, onError).then(answeredOnce),
    );
    connections.push(...(await Promise.all(opening)));
  }
  return connections;
}

function answeredOnce(connection: Connection): Promise<Connection> {
  return new Promise((resolve) => connection.send(ARE_YOU_THERE, () => resolve(connection)));
}

/** Each connection sends its next request when it has its answer. */
function closedLoop(run: Run): Promise<void> {
  const { plan, requests, tally } = run;
  const endMs = plan.warmupMs + plan.durationMs;
  const drive = (connection: Connection): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = (): void => {
        const request = requests.next(connection.index);
        const sentMs = run.elapsedMs();
        connection.send(request.bytes, (head) => {
          const answeredMs = run.elapsedMs();
          tally.check(request, head);
          if (run.isMeasured(answeredMs)) tally.record(answeredMs - sentMs, head);
          if (tally.isRefusal(head)) requests.repeat(connection.index);
          if (answeredMs >= endMs || tally.fault !== undefined) resolve();
          else attempt(next, reject);
        });
      };
      attempt(next, reject);
    });
  return Promise.all(run.connections.map(drive)).then(() => {});
}

/** Requests are sent at their times, or as soon after as a connection is free. */
function openLoop(run: Run): Promise<void> {
  const { plan, requests, tally } = run;
  const arrivals = constantArrivals(plan.ratePerSecond ?? 0, plan.warmupMs + plan.durationMs);
  const free = [...run.connections];
  let arrived = 0;
  let sent = 0;
  let answered = 0;
  return new Promise((resolve, reject) => {
    const send = (connection: Connection, intendedMs: number): void => {
      const request = requests.next(connection.index);
      connection.send(request.bytes, (head) => {
        tally.check(request, head);
        if (run.isMeasured(intendedMs)) tally.record(run.elapsedMs() - intendedMs, head);
        if (tally.isRefusal(head)) requests.repeat(connection.index);
        answered += 1;
        free.push(connection);
        attempt(pump, reject);
      });
    };
    const pump = (): void => {
      const due = arrivals.dueAt(run.elapsedMs());
      while (arrived < due && tally.fault === undefined) {
        const intendedMs = arrivals.timeOf(arrived);
        const connection = free.pop();
        if (connection === undefined && !plan.isOverload) return;
        arrived += 1;
        if (connection === undefined) {
          if (run.isMeasured(intendedMs)) tally.recordLate();
          continue;
        }
        send(connection, intendedMs);
        sent += 1;
      }
      const isOver = arrived === arrivals.count || tally.fault !== undefined;
      if (!isOver || answered < sent) return;
      clearInterval(ticks);
      resolve();
    };
    const ticks = setInterval(() => attempt(pump, reject), TICK_MS);
    ticks.unref();
  });
}

/** In the callbacks of sockets and timers an error would end the process. */
function attempt(work: () => void, reject: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    reject(error);
  }
}

/** Tells of the measured time as it begins and ends, and takes the generator's own cost in it. */
function watchWindow(plan: LoadPlan, notify: (event: LoadEvent) => void) {
  const over = Promise.withResolvers<void>();
  const overdue = Promise.withResolvers<never>();
  let before = process.cpuUsage();
  let used = { user: 0, system: 0 };
  const endMs = plan.warmupMs + plan.durationMs;
  const timers = [
    setTimeout(() => {
      before = process.cpuUsage();
      notify({ event: 'measuring' });
    }, plan.warmupMs),
    setTimeout(() => {
      used = process.cpuUsage(before);
      notify({ event: 'measured' });
      over.resolve();
    }, endMs),
    setTimeout(
      () => overdue.reject(new Error('The server did not answer all that was sent.')),
      endMs + LAST_ANSWERS_TIMEOUT_MS,
    ),
  ];
  return {
    over: over.promise,
    overdue: overdue.promise,
    cpuMicros: () => used.user + used.system,
    stop: () => timers.forEach(clearTimeout),
  };
}
