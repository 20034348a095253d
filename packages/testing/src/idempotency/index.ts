export { type Hook, type Hooks, hooksOf } from './hooks.ts';
export { type Plan, PlanError, readPlan } from './plan.ts';
export { reportTable } from './report.ts';
export { type CaseResult, runSuite } from './run-suite.ts';
