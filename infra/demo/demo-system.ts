import type { ProgramResult, System } from '@mini-pg/local-stack';

/** What the demo needs of a running system, whichever way it runs. */
export type DemoSystem = Pick<
  System,
  'api' | 'processor' | 'settlement' | 'simulator' | 'postgres' | 'adminToken'
> & {
  /** Where its logs are, for a person. */
  logs: string;
  /** Closes a business day, `YYYY-MM-DD`. */
  close(date: string): Promise<ProgramResult>;
};
