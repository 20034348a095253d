import type { Sealed, Terms } from '@mini-pg/domain';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { FactRow } from '../payments/facts.ts';

type Json<T extends object> = JSONColumnType<T, string, string>;
type Instant = ColumnType<Date, Date | string, Date | string>;

export interface MerchantTable {
  id: string;
  name: string;
  status: 'ACTIVE' | 'SUSPENDED';
  version: Generated<number>;
  created_at: Generated<Date>;
  created_by: string;
  updated_at: ColumnType<Date, never, Date>;
  updated_by: string;
}

export interface MerchantTermsTable {
  merchant_id: string;
  from_date: string;
  fee_ppm: number;
  fixed_fee: bigint;
  vat_mode: Terms['vatMode'];
  payout_days: number;
  created_at: Generated<Date>;
  created_by: string;
}

export interface MerchantKeyTable {
  id: string;
  merchant_id: string;
  livemode: boolean;
  key_hash: Buffer;
  api_version: string;
  created_at: Generated<Date>;
  created_by: string;
  revoked_at: ColumnType<Date | null, never, Date>;
  revoked_by: ColumnType<string | null, never, string>;
}

export interface OperatorActionTable {
  id: string;
  at: Generated<Date>;
  operator: string;
  action: string;
  target: string;
  detail: Json<object>;
}

export interface PaymentTable {
  id: string;
  merchant_id: string;
  livemode: boolean;
  order_id: string;
  order_name: string | null;
  amount: bigint;
  tax_free_amount: bigint;
  currency: string;
  pg: string;
  source: Json<Sealed>;
  customer: Json<Sealed> | null;
  metadata: Json<Record<string, string>>;
  event_id: string;
  traceparent: string | null;
  requested_at: Instant;
  expires_at: Instant;
}

export interface PaymentFactTable {
  payment_id: string;
  kind: FactRow['kind'];
  fact_key: string;
  seq: Generated<bigint>;
  event_id: string;
  sequence: number | null;
  data: Json<object>;
  trace_id: string | null;
  occurred_at: Instant;
  recorded_at: Generated<Date>;
}

export interface PaymentProgressTable {
  payment_id: string;
  event_id: string;
  step: string;
  detail: Json<object>;
  trace_id: string | null;
  occurred_at: Instant;
  recorded_at: Generated<Date>;
}

export interface PaymentOpenTable {
  payment_id: string;
  next_emit_at: Instant;
  emits: Generated<number>;
}

export interface SettlementTable {
  id: string;
  merchant_id: string;
  livemode: boolean;
  date: string;
  currency: string;
  count: bigint;
  gross: bigint;
  fee: bigint;
  vat: bigint;
  net: bigint;
  payout_date: string;
  items_hash: string;
  closed_at: Instant;
  complete_at: ColumnType<Date | null, never, Date>;
}

export interface SettlementItemTable {
  settlement_id: string;
  id: string;
  kind: 'PAYMENT' | 'CANCEL';
  payment_id: string;
  order_id: string;
  sale_date: string;
  amount: bigint;
  fee: bigint;
  vat: bigint;
  net: bigint;
}

/** The tables of schema `payment` that are reached through Kysely. */
export interface PaymentDatabase {
  merchant: MerchantTable;
  merchant_terms: MerchantTermsTable;
  merchant_key: MerchantKeyTable;
  operator_action: OperatorActionTable;
  payment: PaymentTable;
  payment_fact: PaymentFactTable;
  payment_progress: PaymentProgressTable;
  payment_open: PaymentOpenTable;
  settlement: SettlementTable;
  settlement_item: SettlementItemTable;
}
