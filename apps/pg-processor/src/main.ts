import { exitWithError, runService } from '@mini-pg/runtime';
import { readConfig } from './config.ts';
import { createDeps } from './deps.ts';
import { startProcessor } from './processor.ts';

try {
  const deps = createDeps(readConfig(process.env));
  await runService(deps.logger, () => startProcessor(deps));
} catch (error) {
  exitWithError(error);
}
