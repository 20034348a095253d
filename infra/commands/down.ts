/** Stops the system of `npm run up`; its data stay for the next one. */
import { stopOwner } from '@mini-pg/local-stack';
import { DATA_DIR, removeLocalSystem } from '../lib/local-system.ts';

const wasUp = await stopOwner(DATA_DIR, (line) => console.log(line));
removeLocalSystem();
console.log(wasUp ? 'The system is down.' : 'Nothing was up.');
