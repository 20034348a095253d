import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

const REDACTED = [
  'authorization',
  '*.authorization',
  'headers.authorization',
  'secret',
  '*.secret',
  'secretKey',
  '*.secretKey',
  'paymentKey',
  '*.paymentKey',
  'customer',
  '*.customer',
];

/** A JSON logger; known secret fields print masked. */
export function createLogger(
  options: { service: string; level: string; instanceId?: string | undefined },
  destination?: DestinationStream,
): Logger {
  return pino(
    {
      level: options.level,
      base: {
        service: options.service,
        ...(options.instanceId && { instance: options.instanceId }),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '***' },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}
