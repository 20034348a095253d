export { type TestStack, testStack } from './stack.ts';
export { createTestDatabase, type TestDatabase } from './test-database.ts';
export { type WaitForOptions, waitFor } from './wait-for.ts';
