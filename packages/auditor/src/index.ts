export { type AuditOptions, type AuditReport, audit } from './audit.ts';
export { type AuditBounds, boundsOf, DEFAULT_BOUNDS } from './bounds.ts';
export { CannotAuditError } from './cannot-audit-error.ts';
export { formatReport, verdictLine } from './report.ts';
export type { RuleResult, Violation } from './rule.ts';
export { RULES } from './rules/index.ts';
