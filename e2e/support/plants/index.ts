import { ATTEMPT_PLANTS } from './attempts.ts';
import { CANCEL_PLANTS } from './cancels.ts';
import { GATEWAY_PLANTS } from './gateway.ts';
import { GATEWAY_CANCEL_PLANTS } from './gateway-cancels.ts';
import { PAYMENT_PLANTS } from './payments.ts';
import type { Plant } from './plant.ts';
import { RESERVE_PLANTS } from './reserves.ts';
import { SETTLEMENT_PLANTS } from './settlement.ts';
import { SUSPENSE_PLANTS } from './suspense.ts';
import { WRITTEN_OFF_PLANTS } from './written-off.ts';

export type { World } from './plant.ts';

export const PLANTS: readonly Plant[] = [
  ...GATEWAY_PLANTS,
  ...ATTEMPT_PLANTS,
  ...GATEWAY_CANCEL_PLANTS,
  ...PAYMENT_PLANTS,
  ...RESERVE_PLANTS,
  ...SETTLEMENT_PLANTS,
  ...CANCEL_PLANTS,
  ...SUSPENSE_PLANTS,
  ...WRITTEN_OFF_PLANTS,
];
