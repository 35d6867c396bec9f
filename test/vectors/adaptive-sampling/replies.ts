import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { status as grpcStatus, type ServerUnaryCall } from '@grpc/grpc-js';
import { expect } from 'vitest';
import type { ReplyForm } from '../../../src/extensions/remote-sampling/config.ts';
import { Replies } from '../../../src/extensions/remote-sampling/serving/replies.ts';
import {
  createSamplingManager,
  type SamplingRequest,
} from '../../../src/extensions/remote-sampling/serving/sampling-grpc.ts';
import { createHttpHandler } from '../../../src/extensions/remote-sampling/serving/sampling-http.ts';
import type { ServingDeps, StrategyLookup } from '../../../src/extensions/remote-sampling/serving/serving.ts';
import { PollerRegistry } from '../../../src/sampling/pollers/pollers.ts';
import { fileStrategies, parseStrategiesFile } from '../../../src/sampling/strategies/strategies-file.ts';
import type { Strategy } from '../../../src/sampling/strategies/strategy.ts';
import { strategyJson } from '../../../src/sampling/strategies/strategy-json.ts';
import { strategyProto } from '../../../src/sampling/strategies/strategy-proto.ts';
import { metricKey, type Recording, recording } from '../../extensions/remote-sampling/recording.ts';
import { ask } from '../../extensions/remote-sampling/served.ts';
import { eachCase, type Json, known, type Runner } from './section.ts';

const DEFAULT: Strategy = { strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate: 1 } };

/** Files that cases name without bringing them. */
const FILES: Readonly<Record<string, Json>> = {
  'cmd/jaeger/sampling-strategies.json': {
    default_strategy: { type: 'probabilistic', param: 1 },
    service_strategies: [
      { service: 'foo', type: 'probabilistic', param: 0.8 },
      { service: 'bar', type: 'ratelimiting', param: 5 },
    ],
  },
};

/** Jaeger 2.16 and later: names everywhere. What came before: a number at the agent's root. */
function replyOf(version: string | undefined): ReplyForm {
  const v2 = /^v?2\.(\d+)/.exec(version ?? 'v2.20');
  return v2 !== null && Number(v2[1]) >= 16 ? 'jaeger' : 'jaeger_v1';
}

function lookupOf(each: Json): StrategyLookup {
  if (each.file === undefined) {
    return ([service]) => ({ service: service ?? '', strategy: each.provider ?? DEFAULT });
  }
  const file = parseStrategiesFile(JSON.stringify(known(FILES, each.file)));
  const { services, fallback } = fileStrategies(file, 0.001);
  return ([service]) => ({ service: service ?? '', strategy: services.get(service ?? '') ?? fallback });
}

function servingDeps(lookup: StrategyLookup, reply: ReplyForm, { context }: Recording): ServingDeps {
  return {
    ...context,
    lookup,
    replies: new Replies({ form: reply, limitFallback: 0.001 }),
    pollers: new PollerRegistry(),
  };
}

/** `GET :14268/api/sampling?service=foo`, `GET ?service=`, `GET `: only path and query matter here. */
function targetOf(line: string): { method: string; target: string } {
  const match = /^(\w+) ?(?::\d+)?(.*)$/.exec(line);
  if (match === null) throw new Error(`no request line: ${line}`);
  const [, method = 'GET', target = ''] = match;
  return { method, target: target.startsWith('/') ? target : `/${target}` };
}

async function httpEndpoint(each: Json): Promise<void> {
  const { method, target } = targetOf(each.request);
  const deps = servingDeps(lookupOf(each), replyOf(each.version), recording());
  const answer = await ask(createHttpHandler(deps), target, method);
  expectAnswer(answer, each);
}

function expectAnswer(answer: Awaited<ReturnType<typeof ask>>, each: Json): void {
  expect(answer.status).toBe(each.status);
  if (each.content_type !== undefined) expect(answer.headers['content-type']).toBe(each.content_type);
  if (each.body !== undefined) expect(answer.body).toBe(each.body);
  if (each.json_equals !== undefined) expect(JSON.parse(answer.body)).toEqual(each.json_equals);
}

async function httpError(each: Json): Promise<void> {
  const seen = recording();
  if (each.request !== undefined) {
    const { method, target } = targetOf(each.request);
    const answer = await ask(createHttpHandler(servingDeps(lookupOf(each), 'jaeger', seen)), target, method);
    expectAnswer(answer, each);
    if (each.status === 400) {
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
  } else await known(FAILURES, each.name)(seen);
  if (each.encoder_error_contains !== undefined) {
    expect(() => strategyJson(null)).toThrow(each.encoder_error_contains);
  }
  if (each.metric === undefined) return;
  const [name, labels, value] = each.metric;
  expect(name).toBe('http-server.errors');
  expect(seen.metrics.get(metricKey('spanweir_sampling_http_errors_total', labels))).toBe(value);
}

const FAILURES: Readonly<Record<string, (seen: Recording) => Promise<void>>> = {
  // A response whose client is gone before the body is out.
  'response write fails': async (seen) => {
    const response = new EventEmitter();
    Object.assign(response, { headersSent: false, destroyed: true, writableFinished: false });
    const incoming = { headers: {} } as IncomingMessage;
    await createHttpHandler(servingDeps(lookupOf({}), 'jaeger', seen))(
      incoming,
      response as ServerResponse,
      '/?service=Y',
    );
    response.emit('close');
  },
  'nil strategy': async (seen) => {
    const lookup: StrategyLookup = () => ({ service: 'Y', strategy: null });
    const answer = await ask(createHttpHandler(servingDeps(lookup, 'jaeger', seen)), '/?service=Y');
    expect(answer).toMatchObject({ status: 500, body: 'cannot marshall to JSON\n' });
  },
};

function grpcHandler(each: Json): void {
  const lookup: StrategyLookup = ([service]) => {
    if (each.provider_error !== undefined) throw new Error(each.provider_error);
    return { service: service ?? '', strategy: each.response ?? null };
  };
  const manager = createSamplingManager(servingDeps(lookup, 'jaeger', recording()));
  const call = { request: { serviceName: each.serviceName }, metadata: { get: () => [] } };
  const answers: unknown[][] = [];
  const handler = manager.GetSamplingStrategy as (
    call: ServerUnaryCall<SamplingRequest, Buffer>,
    callback: (...answer: unknown[]) => void,
  ) => void;
  handler(
    call as unknown as ServerUnaryCall<SamplingRequest, Buffer>,
    (...answer) => void answers.push(answer),
  );
  if (each.error !== undefined) {
    expect(answers).toEqual([[{ code: grpcStatus.UNKNOWN, details: each.error }]]);
    return;
  }
  // On the wire, nothing and a strategy of defaults are the same: no bytes.
  const bytes = each.response === null ? Buffer.alloc(0) : strategyProto(each.response);
  expect(answers).toEqual([[null, bytes]]);
}

export const replySections: Readonly<Record<string, Runner>> = {
  response_encoding: eachCase((each) => {
    expect(JSON.parse(strategyJson(each.object))).toEqual(JSON.parse(each.json));
    // Go writes <, > and & of strings as escapes, which is the same JSON.
    if (!/[<>&]|\\u00/.test(each.json)) expect(strategyJson(each.object)).toBe(each.json);
    if (each.proto_hex !== undefined) expect(strategyProto(each.object).toString('hex')).toBe(each.proto_hex);
  }),
  legacy_root_encoding_v1_agent_and_v2_before_2_16: eachCase(async (each) => {
    if (each.error === undefined) {
      expect(strategyJson(each.object, 'number')).toBe(each.body);
      return;
    }
    const strategy = (each.object ?? { strategyType: 'UNKNOWN' }) as Strategy;
    expect(() => strategyJson(strategy, 'number')).toThrow(each.error);
    const deps = servingDeps(() => ({ service: 'Y', strategy }), 'jaeger_v1', recording());
    expect((await ask(createHttpHandler(deps), '/?service=Y')).status).toBe(each.status);
  }),
  http_endpoints: eachCase(httpEndpoint),
  http_errors: eachCase(httpError),
  grpc_handler: eachCase(grpcHandler),
};
