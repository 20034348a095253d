import type { FastifyInstance } from 'fastify';
import type { Logger } from './logger.ts';

/** A process cannot listen where it was told to; the message says what to change. */
export class CannotListenError extends Error {
  override readonly name = 'CannotListenError';
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
}

/**
 * Listens, and logs the port. A service does so before its workers start: where the port is taken,
 * another instance may be at work, and this one must not have joined it halfway.
 *
 * @returns the port
 * @throws CannotListenError when host or port are not to be had.
 */
export async function listen(
  app: FastifyInstance,
  { host, port, logger }: ListenOptions,
): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw asCannotListen(error, host, port) ?? error;
  }
  const address = app.server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  logger.info({ host, port: actual }, 'listening');
  return actual;
}

function asCannotListen(error: unknown, host: string, port: number): CannotListenError | undefined {
  const { code } = error as NodeJS.ErrnoException;
  const problem = PROBLEMS[code ?? '']?.(host, port);
  return problem === undefined ? undefined : new CannotListenError(problem, { cause: error });
}

const PROBLEMS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `port ${port} of ${host} is taken: stop what listens there, or set PORT to another (0: any)`,
  EACCES: (_host, port) =>
    `port ${port} is for privileged processes: set PORT to one from 1024 on, or 0 for any`,
  EADDRNOTAVAIL: (host) =>
    `${host} is no address of this machine: set HOST to one that is, such as 127.0.0.1 or 0.0.0.0`,
  ENOTFOUND: (host) =>
    `${host} is not known: set HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0`,
};
