import { chooseStack } from './choose-stack.ts';
import { attachExternal } from './external.ts';

export type StackUrls = {
  /** A superuser's URL on the maintenance database `postgres`. */
  postgresUrl: string;
  redisUrl: string;
  /** `host:port`, comma separated. */
  kafkaBrokers: string;
};

export type Stack = StackUrls & {
  kind: 'external' | 'docker' | 'native';
  /** Process ids of the servers that this stack started, by name. */
  pids: Record<string, number>;
  /** Ends what was started; a stack that was only attached to stays as it is. */
  stop(): Promise<void>;
};

export type StackOptions = {
  /** Where the servers keep their data; a temporary folder when `ephemeral`. */
  dataDir?: string;
  ephemeral?: boolean;
  log?: (line: string) => void;
};

/** Postgres, Redis and Kafka from the first source that is available; see `chooseStack`. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const log = options.log ?? (() => {});
  const choice = chooseStack(process.env);
  log(`${choice.kind} (${choice.why})`);
  const urls = await attachExternal(process.env);
  return { ...urls, kind: choice.kind, pids: {}, stop: async () => {} };
}
