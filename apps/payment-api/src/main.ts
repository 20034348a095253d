import { createLogger, exitWithError, runService } from '@mini-pg/runtime';
import { readConfig } from './config.ts';
import { startPaymentApi } from './payment-api.ts';

try {
  const config = readConfig(process.env);
  const { LOG_LEVEL: level, INSTANCE_ID: instanceId } = config;
  const logger = createLogger({ service: 'payment-api', level, instanceId });
  await runService(logger, () => startPaymentApi(config, { logger }));
} catch (error) {
  exitWithError(error);
}
