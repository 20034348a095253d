export { type TestStack, testStack } from './stack.ts';
export { type WaitForOptions, waitFor } from './wait-for.ts';
