import { migrationsContract } from '@mini-pg/testing';
import { migrations } from './index.ts';

migrationsContract('processor', migrations);
