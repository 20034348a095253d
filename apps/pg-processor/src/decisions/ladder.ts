import type { GatewayCapability, Rung } from '@mini-pg/pg-adapters';

/**
 * Whether the ladder of an approval leads from a rung straight to a net-cancel that the PG still
 * takes; `null` is the moment at which the answer is lost.
 */
export function isNetCancelNext(
  { ladders, netCancel }: Pick<GatewayCapability, 'ladders' | 'netCancel'>,
  rung: Rung | null,
  sinceCalledMs: number | null,
): boolean {
  const next = ladders.APPROVE[rung === null ? 0 : ladders.APPROVE.indexOf(rung) + 1];
  const isOnLadder = rung === null || ladders.APPROVE.includes(rung);
  return next === 'NET_CANCEL' && isOnLadder && isInWindow({ netCancel }, sinceCalledMs);
}

/** `sinceCalledMs` counts from the call of the approval. */
export function isInWindow(
  { netCancel }: Pick<GatewayCapability, 'netCancel'>,
  sinceCalledMs: number | null,
): boolean {
  return netCancel !== null && sinceCalledMs !== null && sinceCalledMs < netCancel.windowMs;
}
