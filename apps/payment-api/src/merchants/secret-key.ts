import { hash, randomInt } from 'node:crypto';

/** Keys are made for the version of the API that they were written against. */
export const API_VERSION = '2026-01-01';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 32 of 62 characters are 190 random bits; 128 would be enough. */
const RANDOM_LENGTH = 32;
const SECRET_KEY = /^sk_(?:live|test)_[0-9A-Za-z]{32}$/;

/** A new secret key. It is shown once and kept only as its hash. */
export function createSecretKey(livemode: boolean): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `sk_${livemode ? 'live' : 'test'}_${random.join('')}`;
}

/** Whether a token can be a secret key at all; what cannot is never looked up. */
export function isSecretKey(token: string): boolean {
  return SECRET_KEY.test(token);
}

/**
 * SHA-256, hex: a key has more random bits than anybody can try, so no slow hash is needed, and a
 * request can afford this one.
 */
export function hashSecretKey(secretKey: string): string {
  return hash('sha256', secretKey, 'hex');
}
