export { type AuditOptions, type AuditReport, audit } from './audit.ts';
export { type AuditBounds, boundsOf, DEFAULT_BOUNDS } from './bounds.ts';
export { CannotAuditError } from './cannot-audit-error.ts';
export { formatReport, verdictLine } from './report.ts';
export type { RuleResult, Violation } from './rule.ts';
export { RULES } from './rules/index.ts';
export { DEFAULT_LIMITS, type WatchLimits } from './watch/limits.ts';
export { WATCHED_RULES } from './watch/pass.ts';
export type { Problem } from './watch/problems.ts';
export {
  startWatchService,
  type WatchService,
  type WatchServiceOptions,
} from './watch/service.ts';
export { fileStore, memoryStore, type StateStore, type WatchState } from './watch/state.ts';
export { createWatch, type Pass, type Watch, type WatchOptions } from './watch/watch.ts';
