/** The auditor, always on, as a process of a deployment. */
import { createLogger, exitWithError, loadConfig, runService } from '@mini-pg/runtime';
import { envSchema } from './config.ts';
import { startWatchService } from './watch/service.ts';
import { fileStore } from './watch/state.ts';

try {
  const config = loadConfig(envSchema, process.env);
  const { HOST: host, PORT: port, INTERVAL_MS: intervalMs } = config;
  const logger = createLogger({
    service: 'auditor',
    level: config.LOG_LEVEL,
    instanceId: config.INSTANCE_ID,
  });
  const postgresUrl = config.DATABASE_URL.reveal();
  const store = fileStore(config.STATE_FILE);
  await runService(logger, () =>
    startWatchService({ postgresUrl, store, intervalMs, host, port, logger }),
  );
} catch (error) {
  exitWithError(error);
}
