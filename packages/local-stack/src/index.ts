export { BROKER_JAVA_FLAGS, BROKER_SETTINGS, brokerVariable } from './broker-settings.ts';
export { type StackChoice, StackChoiceError, type StackKind } from './choose-stack.ts';
export { SERVER_IMAGES } from './containers.ts';
export { ownerOf, stopOwner } from './data-dir.ts';
export { docker } from './docker.ts';
export { findFreePort, findFreePorts, portsFrom } from './free-port.ts';
export type { GuardedProcess, Guardian } from './guardian.ts';
export type { ProcessExit, ProcessSpec } from './guardian-protocol.ts';
export type { ServerName } from './native.ts';
export { REPOSITORY_DIR } from './paths.ts';
export { canUseDocker, PICKED_VARIABLE } from './picked-stack.ts';
export { POSTGRES_SETTINGS } from './postgres-settings.ts';
export { isRunning } from './process-identity.ts';
export { type Log, withProgress } from './progress.ts';
export { type Removal, removeAtEnd } from './remove-at-end.ts';
export { reasonIn, type Server } from './server.ts';
export {
  INSTANCES_MAX,
  isHealthy,
  NODE_FLAGS,
  SCALABLE_SERVICES,
  type ScalableService,
  SERVICE_NAMES,
  type ServiceName,
} from './services.ts';
export { openSite, type Site } from './site.ts';
export {
  checkStackSettings,
  pickStack,
  pickSystemStack,
  type Stack,
  type StackOptions,
  type StackUrls,
  startStack,
  startStackOn,
} from './stack.ts';
export {
  type ProgramResult,
  type Service,
  type System,
  type SystemOptions,
  startSystem,
} from './system.ts';
