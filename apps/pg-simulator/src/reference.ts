/** Prints what the documents say of this service: its environment, as JSON Schema. */
import { z } from 'zod';
import { simulatorEnvSchema } from './config.ts';

console.log(JSON.stringify({ environment: z.toJSONSchema(simulatorEnvSchema, { io: 'input' }) }));
