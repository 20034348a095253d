import { createLogger, exitWithError, runService } from '@mini-pg/runtime';
import { type Config, readConfig } from './config.ts';
import { startPaymentApi } from './payment-api.ts';

function readConfigOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    exitWithError(error);
  }
}

const config = readConfigOrExit();
const logger = createLogger({
  service: 'payment-api',
  level: config.LOG_LEVEL,
  instanceId: config.INSTANCE_ID,
});
await runService(logger, () => startPaymentApi(config, { logger })).catch(exitWithError);
