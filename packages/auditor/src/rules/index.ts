import type { Rule } from '../rule.ts';
import { ATTEMPT_RULES } from './attempts.ts';
import { CANCEL_RULES } from './cancels.ts';
import { DEADLINE_RULES } from './deadlines.ts';
import { GATEWAY_RULES } from './gateway.ts';
import { GATEWAY_CANCEL_RULES } from './gateway-cancels.ts';
import { PAYMENT_RULES } from './payments.ts';
import { PROJECTION_RULES } from './projection.ts';
import { RESERVE_RULES } from './reserves.ts';
import { SETTLEMENT_RULES } from './settlement.ts';
import { STATEMENT_RULES } from './statements.ts';
import { SUSPENSE_RULES } from './suspense.ts';

/** Every rule, along the way of the money. */
export const RULES: readonly Rule[] = [
  ...GATEWAY_RULES,
  ...ATTEMPT_RULES,
  ...GATEWAY_CANCEL_RULES,
  ...PAYMENT_RULES,
  ...RESERVE_RULES,
  ...SETTLEMENT_RULES,
  ...CANCEL_RULES,
  ...STATEMENT_RULES,
  ...SUSPENSE_RULES,
  ...PROJECTION_RULES,
  ...DEADLINE_RULES,
];
