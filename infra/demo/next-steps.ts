import type { DemoSystem } from './demo-system.ts';
import type { ShopStatement } from './statements.ts';

/** Where to look, and how to make a payment by hand. */
export function nextSteps(
  system: DemoSystem,
  secretKey: string,
  statements: readonly ShopStatement[],
): string[] {
  const { api, processor, settlement, simulator } = system;
  const [first] = statements;
  return [
    'Look around:',
    `  Swagger UI   ${api}/docs`,
    `  OpenAPI      ${api}/openapi.json`,
    `  Health       ${api}/health/ready`,
    `               ${processor}/health/ready`,
    `               ${settlement}/health/ready`,
    `  Metrics      ${api}/metrics`,
    `  The gateway  ${simulator}/_sim/ledger`,
    `  Logs         ${system.logs}`,
    '',
    'A statement as a file:',
    ...(first ? csvCommand(api, secretKey, first) : []),
    '',
    "Make a payment: the first command is the shopper in the gateway's window, the second one is",
    "the merchant's server.",
    ...paymentCommands(api, simulator, secretKey),
  ];
}

function csvCommand(api: string, secretKey: string, { settlement }: ShopStatement): string[] {
  return [
    `  curl -s ${api}/api/v1/settlements/${settlement.id}/items \\`,
    `    -H 'authorization: Bearer ${secretKey}' -H 'accept: text/csv'`,
  ];
}

function paymentCommands(api: string, simulator: string, secretKey: string): string[] {
  return [
    '  ORDER=order-$(date +%s); PAYMENT_KEY=$(curl -s \\',
    `    ${simulator}/_sim/toss/windows -H 'content-type: application/json' \\`,
    `    -d '{"orderId":"'$ORDER'","amount":19900}' \\`,
    `    | sed 's/.*"paymentKey":"\\([^"]*\\)".*/\\1/')`,
    '',
    `  curl -si ${api}/api/v1/payments \\`,
    `    -H 'authorization: Bearer ${secretKey}' \\`,
    '    -H "idempotency-key: pay-$ORDER" -H \'prefer: wait=5\' \\',
    "    -H 'content-type: application/json' \\",
    '    -d \'{"orderId":"\'$ORDER\'","amount":19900,"source":{"kind":"window","pg":"toss","paymentKey":"\'$PAYMENT_KEY\'"}}\'',
  ];
}
