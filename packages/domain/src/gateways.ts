import { z } from 'zod';

/** The payment gateways (PGs) that the platform knows by name. */
export const PGS = ['toss', 'inicis', 'kakaopay', 'naverpay', 'stripe'] as const;

export const pgSchema = z.enum(PGS).meta({ id: 'Pg', description: 'A payment gateway.' });

export type Pg = z.infer<typeof pgSchema>;
