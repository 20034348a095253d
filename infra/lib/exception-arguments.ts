import { parseArgs } from 'node:util';

/** What somebody typed is no command; the message says why. */
export class UsageError extends Error {}

const RESOLUTIONS = ['cancel', 'write-off', 'approve'] as const;

export type ExceptionRequest =
  | { readonly verb: 'list'; readonly all: boolean; readonly json: boolean }
  | { readonly verb: 'show'; readonly id: string; readonly json: boolean }
  | {
      readonly verb: 'resolve';
      readonly id: string;
      readonly resolution: (typeof RESOLUTIONS)[number];
      readonly reason: string;
      /** The PG's transaction that is meant; null for the one that the PG shows. */
      readonly transaction: string | null;
    };

export interface ExceptionArguments {
  readonly request: ExceptionRequest;
  /** Undefined for the system that is up. */
  readonly processor: { readonly url: string; readonly token: string } | undefined;
}

const REASON_LENGTH_MAX = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const WHERE = { url: { type: 'string' }, token: { type: 'string' } } as const;
const LIST = {
  ...WHERE,
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;
const SHOW = { ...WHERE, json: { type: 'boolean', default: false } } as const;
const RESOLVE = {
  ...WHERE,
  as: { type: 'string' },
  reason: { type: 'string' },
  transaction: { type: 'string' },
} as const;

/** @throws UsageError */
export function readExceptionArguments(args: readonly string[]): ExceptionArguments | 'help' {
  if (args.includes('--help') || args.includes('-h')) return 'help';
  const [verb, ...rest] = args;
  switch (verb) {
    case 'list': {
      const { values } = parse(() => parseArgs({ args: rest, options: LIST }));
      return withPlace(values, { verb, all: values.all, json: values.json });
    }
    case 'show': {
      const options = { args: rest, options: SHOW, allowPositionals: true } as const;
      const { values, positionals } = parse(() => parseArgs(options));
      return withPlace(values, { verb, id: readId(positionals), json: values.json });
    }
    case 'resolve': {
      const options = { args: rest, options: RESOLVE, allowPositionals: true } as const;
      const { values, positionals } = parse(() => parseArgs(options));
      return withPlace(values, { verb, id: readId(positionals), ...readDecision(values) });
    }
    default:
      throw new UsageError(`${verb ?? 'nothing'} to do: use list, show or resolve`);
  }
}

function parse<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function withPlace(
  { url, token }: { url?: string | undefined; token?: string | undefined },
  request: ExceptionRequest,
): ExceptionArguments {
  if (url === undefined && token === undefined) return { request, processor: undefined };
  if (url === undefined || token === undefined || token === '') {
    throw new UsageError('--url and --token: give both, or neither for the system that is up');
  }
  if (!URL.canParse(url)) throw new UsageError(`--url ${url}: give that of a pg-processor`);
  return { request, processor: { url, token } };
}

function readId(positionals: readonly string[]): string {
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new UsageError('give the id of one exception');
  if (UUID.test(id)) return id;
  throw new UsageError(`${id} is no id of an exception: they are UUIDs`);
}

function readDecision(values: {
  as?: string | undefined;
  reason?: string | undefined;
  transaction?: string | undefined;
}) {
  const resolution = RESOLUTIONS.find((one) => one === values.as);
  if (resolution === undefined) throw new UsageError(`--as: use ${RESOLUTIONS.join(', ')}`);
  const reason = values.reason?.trim() ?? '';
  if (reason.length < 1 || reason.length > REASON_LENGTH_MAX) {
    throw new UsageError('--reason TEXT: say why, in 1 to 200 characters');
  }
  if (values.transaction === '') throw new UsageError("--transaction ID: give the PG's own id");
  return { resolution, reason, transaction: values.transaction ?? null };
}
