/** Beyond its defaults, what Postgres gets here: room for the pools of a whole system and its tests. */
export const POSTGRES_SETTINGS = { max_connections: 400, shared_buffers: '256MB' } as const;
