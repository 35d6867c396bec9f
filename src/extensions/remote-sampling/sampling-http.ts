import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Counter, Instruments, Log } from '../../base/instruments.ts';
import type { HttpHandler } from '../../flow/host.ts';
import { reply, replyText } from '../../http/replies.ts';
import type { Strategy } from '../../sampling/strategy.ts';
import type { Polls } from './polls.ts';
import type { Replies } from './replies.ts';
import { serviceNames } from './service-names.ts';

/** What is served for the first of `services` that is known, else for everyone else. */
export type StrategyLookup = (services: readonly string[]) => FoundStrategy;

export interface FoundStrategy {
  readonly service: string;
  readonly strategy: Strategy | null;
}

export interface ServingDeps {
  readonly lookup: StrategyLookup;
  readonly replies: Replies;
  readonly polls: Polls;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
}

/** Jaeger's labels for what went wrong while answering. */
type ErrorSource = 'all' | 'collector-proxy' | 'proto' | 'write';

const JSON_TYPE = { 'content-type': 'application/json' } as const;
const ERROR_HEADERS = { 'x-content-type-options': 'nosniff' } as const;

/** Answers `?service=NAME` on whatever path it is put, to any method, as Jaeger does. */
export function createHttpHandler(deps: ServingDeps): HttpHandler {
  const { lookup, replies, polls, clock, log, instruments } = deps;
  const answered = instruments.counter('spanweir_sampling_polls_total', { transport: 'http', result: 'ok' });
  const refused = instruments.counter('spanweir_sampling_polls_total', {
    transport: 'http',
    result: 'error',
  });
  const errors = errorCounters(instruments);

  const fail = (response: ServerResponse, source: ErrorSource, status: number, text: string): void => {
    errors[source].add(1);
    refused.add(1);
    replyText(response, status, `${text}\n`, ERROR_HEADERS);
  };

  return (request: IncomingMessage, response: ServerResponse, url: URL): void => {
    const services = serviceNames(url);
    if (services === undefined) {
      fail(response, 'all', 400, "'service' parameter must be provided once");
      return;
    }
    let found: FoundStrategy;
    try {
      found = lookup(services);
    } catch (error) {
      fail(response, 'collector-proxy', 500, `collector error: ${toError(error).message}`);
      return;
    }
    let body: Buffer;
    try {
      body = replies.json(found.strategy, url.pathname);
    } catch (error) {
      log.error({ err: toError(error), service: found.service }, 'a strategy could not be encoded');
      fail(response, 'proto', 500, 'cannot marshall to JSON');
      return;
    }
    polls.record(found.service, 'http', request.headers['user-agent'] ?? '', clock.wallMs());
    response.once('close', () => {
      if (response.writableFinished) answered.add(1);
      else {
        errors.write.add(1);
        refused.add(1);
      }
    });
    reply(response, 200, JSON_TYPE, body);
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
