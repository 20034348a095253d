import { currencySchema, settlementItemSchema } from '@mini-pg/domain';
import { z } from 'zod';
import { dateSchema, pageQueryShape } from '../http/schemas.ts';

export const settlementSchema = z
  .object({
    id: z.uuid(),
    merchantId: z.uuid(),
    livemode: z.boolean(),
    date: z.iso.date(),
    currency: currencySchema,
    count: z.int(),
    gross: z.int().meta({ description: 'The sum of all amounts; cancels are negative.' }),
    fee: z.int(),
    vat: z.int(),
    net: z.int().meta({ description: 'gross - fee - vat; negative on a day of many cancels.' }),
    carryIn: z
      .int()
      .meta({ description: 'What earlier settlements were short of: 0 or less, taken off here.' }),
    payout: z.int().meta({ description: 'What is paid out: carryIn + net, never less than 0.' }),
    carryOut: z
      .int()
      .meta({ description: 'What the next settlement takes off: carryIn + net - payout.' }),
    payoutDate: z.iso.date(),
    status: z
      .enum(['RECEIVING', 'CLOSED'])
      .meta({ description: 'RECEIVING: not all of its items have arrived here.' }),
    closedAt: z.iso.datetime(),
  })
  .meta({ id: 'Settlement' });

export type SettlementView = z.output<typeof settlementSchema>;

export const itemSchema = settlementItemSchema;

export const listSettlementsSchema = z.strictObject({
  from: dateSchema.optional().meta({ description: 'The first business date, inclusive.' }),
  to: dateSchema.optional().meta({ description: 'The last business date, inclusive.' }),
  ...pageQueryShape,
});

export type ListSettlements = z.output<typeof listSettlementsSchema>;

/** `limit` has no default here, since a CSV takes neither. */
export const listItemsSchema = z.strictObject({
  cursor: pageQueryShape.cursor,
  limit: pageQueryShape.limit.unwrap().optional().meta({ description: '20 unless it is given.' }),
});

export type ListItems = z.output<typeof listItemsSchema>;
