import { z } from 'zod';
import type { Answer } from './client.ts';
import { valueAt } from './json.ts';

const answerSchema = z.strictObject({
  status: z.array(z.int().min(100).max(599)).min(1).describe('Any of these.'),
  code: z
    .string()
    .optional()
    .describe('What `codePointer` shows in the body; anything unless given.'),
});

/** An answer that an API may give in a case. */
export type ExpectedAnswer = z.infer<typeof answerSchema>;

/**
 * What an API may choose, with the words of draft-ietf-httpapi-idempotency-key-header-07 as
 * defaults; where the draft is silent, the default is what most payment APIs do.
 */
export const expectationsSchema = z.strictObject({
  taken: answerSchema.default({ status: [200, 201, 202] }),
  missing: answerSchema.default({ status: [400] }),
  malformed: answerSchema.default({ status: [400] }),
  reused: answerSchema.default({ status: [422] }),
  running: answerSchema.default({ status: [409] }),
  refused: answerSchema.default({ status: [400, 422] }),
  codePointer: z.string().default('/code').describe('Where a refusal has its code.'),
  replayHeader: z
    .strictObject({ name: z.string(), value: z.string() })
    .optional()
    .describe('What a replay carries and a first answer does not.'),
  ignored: z
    .array(z.string())
    .default([])
    .describe('Pointers to what may differ between an answer and its replay.'),
  bareKey: z
    .enum(['accepted', 'malformed'])
    .default('accepted')
    .describe('The draft knows quoted keys only; nearly every API takes bare ones.'),
  afterRefusal: z
    .enum(['free', 'kept'])
    .default('free')
    .describe('Whether a refused request leaves its key free for a mended one.'),
  otherRoute: z
    .enum(['new', 'reused'])
    .default('new')
    .describe('What a key of one route is on another.'),
});

export type Expectations = z.infer<typeof expectationsSchema>;

/** Which of the answers of an API is meant. */
export type Refusal = 'missing' | 'malformed' | 'reused' | 'running' | 'refused';

/** `409 IDEMPOTENCY_KEY_IN_USE`, `400 or 422`. */
export function expectedText({ status, code }: ExpectedAnswer): string {
  return `${status.join(' or ')}${code === undefined ? '' : ` ${code}`}`;
}

export function isAnswer(
  answer: Answer,
  { status, code }: ExpectedAnswer,
  { expect }: { readonly expect: Expectations },
): boolean {
  return (
    status.includes(answer.status) &&
    (code === undefined || valueAt(answer.body, expect.codePointer) === code)
  );
}
