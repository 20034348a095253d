import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Registry } from 'prom-client';
import type { Health } from './health.ts';
import type { HttpErrorCode } from './http-errors.ts';
import type { Logger } from './logger.ts';
import { ProblemError } from './problem.ts';
import { continueTrace, type TraceContext } from './tracing.ts';

export const PROBLEM_JSON = 'application/problem+json';

declare module 'fastify' {
  interface FastifyRequest {
    trace: TraceContext;
  }
}

export interface HttpAppOptions {
  readonly logger: Logger;
  readonly registry: Registry;
  readonly health: Health;
  readonly bodyLimitBytes: number;
  /** The problem that an error of a library is; undefined leaves it INTERNAL. */
  readonly toProblem?: (error: Error) => ProblemError | undefined;
}

/** Written out, since a library's new default must not change how the service behaves. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const CONNECTION_TIMEOUT_MS = 0;
const PARAMETER_LENGTH_MAX = 500;
const CLOSE_IDLE_EVERY_MS = 50;

/** What Fastify refuses before a route is reached, in our codes. */
const FASTIFY_CODES: Readonly<Record<string, HttpErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'MALFORMED_REQUEST',
  FST_ERR_BAD_URL: 'MALFORMED_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'NOT_FOUND',
};

/**
 * A Fastify app with what every service serves: problems (RFC 9457) for every refusal, 405 with
 * `Allow`, `/health/live`, `/health/ready` and `/metrics`. Routes are added by the caller.
 */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: options.logger as never,
    logController: new LogController({ disableRequestLogging: true }),
    // Every line names its trace; a logger for each request would be made for nothing else.
    childLoggerFactory: (logger) => logger,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply as unknown as FastifyReply, problemOf(error), undefined);
    },
  }) as unknown as FastifyInstance;

  // Fastify would take text too, and hand it to routes that expect JSON.
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('trace');
  app.addHook('onRequest', (request, reply, done) => {
    request.trace = continueTrace(header(request, 'traceparent'));
    reply.header('x-trace-id', request.trace.traceId);
    done();
  });
  addProblems(app, options);
  addOperations(app, options);
  closeConnectionsAsTheyGoIdle(app);
  return app;
}

function addProblems(app: FastifyInstance, { toProblem }: HttpAppOptions): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', (route) => {
    const entry = routes.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set() };
    for (const method of [route.method].flat()) entry.methods.add(method);
    routes.set(route.url, entry);
  });

  app.setNotFoundHandler((request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(
      [...routes.values()].filter((r) => r.pattern.test(path)).flatMap((r) => [...r.methods]),
    );
    if (allowed.size === 0 || allowed.has(request.method)) throw new ProblemError('NOT_FOUND');
    throw new ProblemError('METHOD_NOT_ALLOWED', { headers: { allow: [...allowed].join(', ') } });
  });

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem?.(error) ?? problemOf(error);
    if (problem.code === 'INTERNAL') {
      request.log.error({ err: error, traceId: request.trace.traceId }, 'request failed');
    }
    sendProblem(reply, problem, request.trace.traceId);
  });
}

function sendProblem(
  reply: FastifyReply,
  problem: ProblemError,
  traceId: string | undefined,
): void {
  void reply
    .code(problem.status)
    .headers(problem.headers())
    .type(PROBLEM_JSON)
    .send(JSON.stringify(problem.body(traceId)));
}

/** The problem that an error is; what is not meant for the caller becomes INTERNAL, without text. */
function problemOf(error: FastifyError | Error): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = 'code' in error ? FASTIFY_CODES[error.code] : undefined;
  return new ProblemError(code ?? 'INTERNAL');
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}/?$`);
}

/** A connection that is answered during the close would else be kept alive, and hold it up. */
function closeConnectionsAsTheyGoIdle(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
    app.server.once('close', () => clearInterval(timer));
    timer.unref();
  });
}

function addOperations(app: FastifyInstance, { health, registry }: HttpAppOptions): void {
  const hidden = { schema: { hide: true } } as object;
  app.get('/health/live', hidden, async (_request, reply) => {
    const report = await health.live();
    return reply.code(report.ok ? 200 : 503).send(report);
  });
  app.get('/health/ready', hidden, async (_request, reply) => {
    const report = await health.ready();
    return reply.code(report.ok ? 200 : 503).send(report);
  });
  app.get('/metrics', hidden, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
