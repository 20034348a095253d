export * from './gateway.ts';
export { ADAPTED_PGS, createGateway, type GatewayOptions } from './registry.ts';
export { type CodeFacts, type Operation, TAXONOMY, unlistedCode } from './taxonomy.ts';
export { TOSS_CAPABILITY, TOSS_CONFIG_DEFAULTS, type TossConfig } from './toss/toss-config.ts';
export { TRANSPORT_DEFAULTS, type TransportOptions } from './transport.ts';
