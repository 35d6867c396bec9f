import type { IncomingMessage, ServerResponse } from 'node:http';
import { toError } from '../../../base/errors.ts';
import type { Counter, Instruments } from '../../../base/instruments.ts';
import type { PlainHttpHandler } from '../../../flow/host.ts';
import { replyText } from '../../../http/replies.ts';
import type { EncodedJson } from './replies.ts';
import {
  createPollRecorder,
  type FoundStrategy,
  firstForwarded,
  isPassing,
  type ServingDeps,
} from './serving.ts';
import { Targets } from './targets.ts';

/** Jaeger's labels for what went wrong while answering. */
type ErrorSource = 'all' | 'collector-proxy' | 'proto' | 'write';

const ERROR_HEADERS = { 'x-content-type-options': 'nosniff' } as const;

/** Answers `?service=NAME` on whatever path it is put, to any method, as Jaeger does. */
export function createHttpHandler(deps: ServingDeps, targets = new Targets()): PlainHttpHandler {
  const { lookup, replies, clock, log, instruments } = deps;
  const record = createPollRecorder(deps);
  const polled = (result: string): Counter =>
    instruments.counter('spanweir_sampling_polls_total', { transport: 'http', result });
  const answered = polled('ok');
  const refused = polled('error');
  const errors = errorCounters(instruments);

  const fail = (response: ServerResponse, source: ErrorSource, status: number, text: string): void => {
    errors[source].add(1);
    refused.add(1);
    replyText(response, status, `${text}\n`, ERROR_HEADERS);
  };
  const lookupFailed = (response: ServerResponse, error: unknown): void => {
    const status = isPassing(error) ? 503 : 500;
    fail(response, 'collector-proxy', status, `collector error: ${toError(error).message}`);
  };

  const answer = (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    { service, strategy }: FoundStrategy,
  ): void => {
    let encoded: EncodedJson;
    try {
      encoded = replies.json(strategy, path);
    } catch (error) {
      log.error({ err: toError(error), service }, 'a strategy could not be encoded');
      fail(response, 'proto', 500, 'cannot marshall to JSON');
      return;
    }
    const { headers, socket } = request;
    const forwarded = headers['x-forwarded-for'];
    record({
      service,
      address: forwarded === undefined ? (socket?.remoteAddress ?? '') : firstForwarded(forwarded),
      // Behind a proxy a connection is the proxy's, and tells nothing.
      connection: forwarded === undefined ? (socket?.remotePort ?? 0) : 0,
      userAgent: headers['user-agent'] ?? '',
      transport: 'http',
      sendsContentType: headers['content-type'] !== undefined,
      atMs: clock.wallMs(),
    });
    if (response.destroyed) {
      errors.write.add(1);
      refused.add(1);
      return;
    }
    if (response.headersSent) return;
    answered.add(1);
    response.writeHead(200, encoded.headerList);
    response.end(request.method === 'HEAD' ? undefined : encoded.body, 'latin1');
  };

  return (request, response, target) => {
    const { path, services } = targets.of(target);
    if (services === undefined) {
      fail(response, 'all', 400, "'service' parameter must be provided once");
      return;
    }
    let found: FoundStrategy | Promise<FoundStrategy>;
    try {
      found = lookup(services);
    } catch (error) {
      lookupFailed(response, error);
      return;
    }
    if (!(found instanceof Promise)) {
      answer(request, response, path, found);
      return;
    }
    return found.then(
      (late) => answer(request, response, path, late),
      (error: unknown) => lookupFailed(response, error),
    );
  };
}

function errorCounters(instruments: Instruments): Readonly<Record<ErrorSource, Counter>> {
  const counter = (source: ErrorSource, status: string): Counter =>
    instruments.counter('spanweir_sampling_http_errors_total', { source, status });
  return {
    all: counter('all', '4xx'),
    'collector-proxy': counter('collector-proxy', '5xx'),
    proto: counter('proto', '5xx'),
    write: counter('write', '5xx'),
  };
}
