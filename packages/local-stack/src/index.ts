export { StackChoiceError, type StackKind } from './choose-stack.ts';
export { findFreePort } from './free-port.ts';
export type { ServerName } from './native.ts';
export { type Log, withProgress } from './progress.ts';
export type { Server } from './server.ts';
export { type Stack, type StackOptions, type StackUrls, startStack } from './stack.ts';
