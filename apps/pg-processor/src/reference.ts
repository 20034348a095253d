/** Prints what the documents say of this service: its environment, as JSON Schema. */
import { z } from 'zod';
import { envSchema } from './config.ts';

console.log(JSON.stringify({ environment: z.toJSONSchema(envSchema, { io: 'input' }) }));
