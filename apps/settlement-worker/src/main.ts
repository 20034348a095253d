import { createLogger, exitWithError, runService } from '@mini-pg/runtime';
import { type Config, readConfig } from './config.ts';
import { startSettlementWorker } from './settlement-worker.ts';

function readConfigOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    exitWithError(error);
  }
}

const config = readConfigOrExit();
const logger = createLogger({
  service: 'settlement-worker',
  level: config.LOG_LEVEL,
  instanceId: config.INSTANCE_ID,
});
await runService(logger, () => startSettlementWorker(config, { logger })).catch(exitWithError);
