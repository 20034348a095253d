import { createLogger, exitWithError, listen, loadConfig, runService } from '@mini-pg/runtime';
import { buildSimulator } from './app.ts';
import { simulatorEnvSchema } from './config.ts';

try {
  const config = loadConfig(simulatorEnvSchema, process.env);
  const { host, port, logLevel, instanceId } = config;
  const logger = createLogger({ service: 'pg-simulator', level: logLevel, instanceId });
  await runService(logger, async () => {
    const app = buildSimulator(config.simulator);
    await listen(app, { host, port, logger });
    return { stop: () => app.close() };
  });
} catch (error) {
  exitWithError(error);
}
