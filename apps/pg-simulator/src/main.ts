import { createLogger, exitWithError, loadConfig, runService } from '@mini-pg/runtime';
import { buildSimulator } from './app.ts';
import { simulatorEnvSchema } from './config.ts';

try {
  const config = loadConfig(simulatorEnvSchema, process.env);
  const { host, port, logLevel, instanceId } = config;
  const logger = createLogger({ service: 'pg-simulator', level: logLevel, instanceId });
  await runService(logger, async () => {
    const app = buildSimulator(config.simulator);
    await app.listen({ host, port });
    const [address] = app.addresses();
    logger.info({ host, port: typeof address === 'object' ? address.port : port }, 'listening');
    return { stop: () => app.close() };
  });
} catch (error) {
  exitWithError(error);
}
