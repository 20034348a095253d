import type { Terms } from '@mini-pg/domain';
import { type Random, seededRandom } from './random.ts';

/** The same for every run: the same shops sell the same things. */
const SEED = 20_261_121;

const PAYMENTS_PER_SHOP = 100;
/** One in so many is refused by the shopper's bank. */
const DECLINE_EVERY = 12;
/** One in so many loses its first call on the way, before anything happened. */
const CUT_EVERY = 40;

export interface Shop {
  readonly name: string;
  readonly terms: Omit<Terms, 'from'>;
  /** Prices in won, and how many of a thing are bought at most. */
  readonly prices: readonly [number, ...number[]];
  readonly piecesMax: number;
}

/** Three shops with different terms: fee in VAT's way or beside it, fixed part or none. */
export const SHOPS: readonly [Shop, Shop, Shop] = [
  {
    name: 'Hanbit Books',
    terms: { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 3 },
    prices: [9_800, 13_500, 15_300, 18_000, 22_000, 27_900],
    piecesMax: 4,
  },
  {
    name: 'Daon Market',
    terms: { feePpm: 25_000, fixedFee: 100, vatMode: 'INCLUSIVE', payoutDays: 5 },
    prices: [2_480, 3_990, 5_500, 7_980, 12_900, 34_500],
    piecesMax: 9,
  },
  {
    name: 'Mirae Camping',
    terms: { feePpm: 19_800, fixedFee: 50, vatMode: 'EXCLUSIVE', payoutDays: 1 },
    prices: [39_000, 89_000, 129_000, 248_000, 459_000],
    piecesMax: 2,
  },
];

/** A payment that the demo makes, and what has to become of it. */
export interface PlannedPayment {
  readonly shop: Shop;
  readonly orderId: string;
  readonly amount: number;
  /** How the gateway behaves; see the simulator's README. */
  readonly scenario: string;
  readonly end: 'APPROVED' | 'FAILED';
}

const DECLINES = [
  'REJECT_CARD_PAYMENT',
  'INVALID_STOPPED_CARD',
  'EXCEED_MAX_DAILY_PAYMENT_COUNT',
  'REJECT_CARD_COMPANY',
] as const;

/** The day of all shops, in the order in which the payments are made. */
export function planDay(): PlannedPayment[] {
  const random = seededRandom(SEED);
  return Array.from({ length: PAYMENTS_PER_SHOP }, (_, index) =>
    SHOPS.map((shop) => planPayment(shop, index, random)),
  ).flat();
}

export function planPayment(shop: Shop, index: number, random: Random): PlannedPayment {
  const amount = random.pick(shop.prices) * random.between(1, shop.piecesMax);
  const orderId = `${shop.name.toLowerCase().replace(' ', '-')}-${String(index + 1).padStart(4, '0')}`;
  const count = index + 1;
  if (count % DECLINE_EVERY === 0) {
    const scenario = `decline:${random.pick(DECLINES)}`;
    return { shop, orderId, amount, scenario, end: 'FAILED' };
  }
  const scenario = count % CUT_EVERY === 0 ? 'reset-before' : `slow:${random.between(20, 250)}`;
  return { shop, orderId, amount, scenario, end: 'APPROVED' };
}
