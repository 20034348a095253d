/** Lists, shows and resolves what waits for a person at pg-processor. */
import { z } from 'zod';
import { type Answer, read, send } from '../demo/http.ts';
import { printable } from '../lib/dead-letter-lines.ts';
import {
  type ExceptionArguments,
  type ExceptionRequest,
  readExceptionArguments,
  UsageError,
} from '../lib/exception-arguments.ts';
import {
  exceptionDetailLines,
  exceptionDetailSchema,
  exceptionLines,
  exceptionSchema,
} from '../lib/exception-lines.ts';
import { readLocalSystem } from '../lib/local-system.ts';

const USAGE = `Usage: npm run exceptions -- list [--all] [--json]
       npm run exceptions -- show ID [--json]
       npm run exceptions -- resolve ID --as cancel|write-off|approve --reason "..."
                                     [--transaction ID]

  ID                an exception's id as \`list\` shows it
  --all             also those that are resolved; the newest 500 of all
  --json            for programs
  --as cancel       the capture is given back at the PG; it closes once that is done
  --as write-off    closed with the reason; the money stays as it is
  --as approve      the payment is approved, if the PG proves the capture now
  --reason TEXT     why, in 1 to 200 characters; kept with who and when
  --transaction ID  the PG's transaction that is meant; refused where the PG shows another
  --url URL         another pg-processor than that of the system that is up, with
  --token TOKEN     the token of an operator there

Exit code: 0 done, 1 failed, 2 wrong usage, 3 already resolved, 4 no such exception,
5 refused. With 2 to 5 nothing was changed.`;

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  EXCEPTION_RESOLVED: 3,
  NOT_FOUND: 4,
  RESOLUTION_REFUSED: 5,
};

const LIST_MAX = 500;

const listSchema = z.object({ data: z.array(exceptionSchema) });
const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

interface Processor {
  readonly url: string;
  readonly token: string;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const parsed = readExceptionArguments(args);
    if (parsed === 'help') {
      console.log(USAGE);
      return EXIT_DONE;
    }
    return await run(parsed);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`exceptions: ${printable(error.message)}\n\n${USAGE}`);
      return EXIT_USAGE;
    }
    // `fetch` says that nobody answered, or not in time.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    console.error(`exceptions: pg-processor cannot be reached: ${printable(error.message)}`);
    return EXIT_FAILED;
  }
}

async function run({ request, processor: named }: ExceptionArguments): Promise<number> {
  const processor = named ?? localProcessor();
  if (processor === undefined) {
    console.error('Nothing is up. `npm run up` starts the system, --url names a pg-processor.');
    return EXIT_FAILED;
  }
  const answer = await call(processor, request);
  if (answer.status >= 400) return refuse(answer);
  if (request.verb === 'list') {
    const { data } = read(answer, 200, listSchema);
    console.log(request.json ? JSON.stringify(data, null, 2) : exceptionLines(data).join('\n'));
    return EXIT_DONE;
  }
  const exception = read(answer, answer.status, exceptionDetailSchema);
  const asJson = request.verb === 'show' && request.json;
  const text = asJson
    ? JSON.stringify(exception, null, 2)
    : exceptionDetailLines(exception).join('\n');
  console.log(text);
  return EXIT_DONE;
}

function localProcessor(): Processor | undefined {
  const local = readLocalSystem();
  return local && { url: local.processor, token: local.adminToken };
}

function call({ url, token }: Processor, request: ExceptionRequest): Promise<Answer> {
  const base = `${url.replace(/\/$/, '')}/api/v1/admin/exceptions`;
  const headers = { authorization: `Bearer ${token}` };
  switch (request.verb) {
    case 'list':
      return send(`${base}?state=${request.all ? 'all' : 'open'}&limit=${LIST_MAX}`, { headers });
    case 'show':
      return send(`${base}/${request.id}`, { headers });
    case 'resolve': {
      const { id, resolution, reason, transaction } = request;
      const body = {
        resolution,
        reason,
        ...(transaction !== null && { pgTransactionId: transaction }),
      };
      return send(`${base}/${id}/resolve`, { method: 'POST', headers, body });
    }
    default:
      return request satisfies never;
  }
}

function refuse({ status, text }: Answer): number {
  const problem = problemSchema.safeParse(jsonOf(text));
  if (!problem.success) {
    console.error(`exceptions: pg-processor answered ${status}`);
    return EXIT_FAILED;
  }
  const { code, detail } = problem.data;
  const exit = EXIT_OF_CODE[code] ?? EXIT_FAILED;
  const end = exit === EXIT_FAILED ? '' : '\nNothing was changed.';
  console.error(`exceptions: ${code}: ${printable(detail)}${end}`);
  return exit;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
