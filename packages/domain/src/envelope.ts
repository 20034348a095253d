import { z } from 'zod';

/**
 * The envelope of every event, after CloudEvents 1.0 in its structured JSON form. `type` is the
 * name of the topic without a deployment's prefix, `subject` what the event is about (the payment
 * or merchant id), `time` when the fact was recorded.
 */
export function envelopeOf<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.object({
    specversion: z.literal('1.0'),
    id: z.uuid(),
    source: z.string(),
    type: z.literal(type),
    time: z.iso.datetime(),
    subject: z.string(),
    dataschema: z.string(),
    data,
  });
}

/** Personal data or a secret on a private topic: AES-256-GCM, base64, with the key's id. */
export const sealedSchema = z.object({ kid: z.string(), iv: z.string(), ct: z.string() });

export type Sealed = z.infer<typeof sealedSchema>;
