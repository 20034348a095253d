export { migrationsContract } from './migrations-contract.ts';
export { type TestStack, testStack } from './stack.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export { createTestDatabase, type TestDatabase } from './test-database.ts';
export { type WaitForOptions, waitFor } from './wait-for.ts';
