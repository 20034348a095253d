import { createLogger, exitWithError, runService } from '@mini-pg/runtime';
import { readConfig } from './config.ts';
import { startSettlementWorker } from './settlement-worker.ts';

try {
  const config = readConfig(process.env);
  const { LOG_LEVEL: level, INSTANCE_ID: instanceId } = config;
  const logger = createLogger({ service: 'settlement-worker', level, instanceId });
  await runService(logger, () => startSettlementWorker(config, { logger }));
} catch (error) {
  exitWithError(error);
}
