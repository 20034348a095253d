export { type Config, readConfig } from './config.ts';
export { migrations } from './db/migrations/index.ts';
export { createDeps, type Deps, type Overrides } from './deps.ts';
export { startProcessor } from './processor.ts';
