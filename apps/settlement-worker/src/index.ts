export { seedCalendar } from './calendar/calendar-seed.ts';
export { migrations } from './db/migrations/index.ts';
