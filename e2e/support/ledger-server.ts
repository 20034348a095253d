import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A row of a gateway's ledger, as the simulator answers it. */
export interface LedgerEntry {
  pg: string;
  orderId: string;
  pgPaymentId: string;
  pgTransactionId: string;
  kind: 'CAPTURE' | 'CANCEL';
  amount: number;
  at: string;
}

export interface LedgerServer {
  readonly url: string;
  /** What it answers from now on. */
  entries: LedgerEntry[];
  stop(): Promise<void>;
}

/** Small, so that a ledger takes several pages. */
const PAGE_ROWS = 3;

/** Answers `GET /_sim/ledger` with the entries given, by pages. */
export async function startLedgerServer(entries: LedgerEntry[]): Promise<LedgerServer> {
  const ledger = { entries };
  const server = createServer((request, response) => {
    const after = Number(new URL(request.url ?? '', 'http://ledger').searchParams.get('after'));
    const rows = ledger.entries.map((entry, index) => ({ seq: index + 1, ...entry }));
    const data = rows.slice(after, after + PAGE_ROWS);
    const next = after + data.length < rows.length ? after + data.length : null;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ data, next }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(ledger, {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
