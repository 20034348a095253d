import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which systems take the local ports of outgoing connections (32768 on
 * Linux, 49152 on macOS): such a connection cannot take the port between this check and the
 * moment when the server binds it.
 */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
const ATTEMPTS_MAX = 50;

/** A TCP port of the loopback address that nothing listens on; `preferred` if it is free. */
export function findFreePort(preferred?: number): Promise<number> {
  return findFreePorts(1, preferred);
}

/**
 * The first of `count` such ports in a row, none of them in `taken`; the row that begins with
 * `preferred` if it is free.
 */
export async function findFreePorts(
  count: number,
  preferred?: number,
  taken: ReadonlySet<number> = new Set(),
): Promise<number> {
  const first = preferred === undefined ? [] : [preferred];
  const random = Array.from({ length: ATTEMPTS_MAX }, () => randomInt(PORT_MIN, PORT_MAX - count));
  for (const port of [...first, ...random]) {
    if (await areFree(portsFrom(port, count), taken)) return port;
  }
  throw new Error(
    `Found no free port in ${ATTEMPTS_MAX} tries between ${PORT_MIN} and ${PORT_MAX}.`,
  );
}

/** `count` ports in a row. */
export function portsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

async function areFree(ports: readonly number[], taken: ReadonlySet<number>): Promise<boolean> {
  if (ports.some((port) => taken.has(port))) return false;
  return (await Promise.all(ports.map(isFree))).every(Boolean);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  });
}
