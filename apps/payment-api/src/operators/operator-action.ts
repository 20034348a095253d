import type { Queryable } from '@mini-pg/database';

/** Who did what to what: to a merchant, or for a cancel to a payment. */
export async function insertAction(
  client: Queryable,
  action: {
    readonly id: string;
    readonly operator: string;
    readonly action:
      | 'MERCHANT_CREATED'
      | 'MERCHANT_UPDATED'
      | 'KEY_CREATED'
      | 'KEY_REVOKED'
      | 'CANCEL_REQUESTED';
    readonly target: string;
    readonly detail: object;
    readonly now: Date;
  },
): Promise<void> {
  await client.query(
    `insert into operator_action (id, at, operator, action, target, detail)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      action.id,
      action.now,
      action.operator,
      action.action,
      action.target,
      JSON.stringify(action.detail),
    ],
  );
}
