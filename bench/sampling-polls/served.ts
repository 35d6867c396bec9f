import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestOfService, strategyOfReply } from '../../src/sampling/strategies/strategy-proto.ts';
import type { AskedOverHttp } from '../support/http-pollers.ts';
import type { AskedOverGrpc } from './grpc-pollers.ts';

export const OPERATIONS = 25;

const operationOf = (i: number): string => `GET /api/v1/resource-${i}/{id}`;
const rateOf = (i: number): number => i / OPERATIONS;

/** An engine that serves a rate of its own to each service, and the same operations to all. */
export function configOf(dir: string, services: number, ports: { http: number; grpc: number }): object {
  const path = join(dir, 'strategies.json');
  const operations = Array.from({ length: OPERATIONS }, (_, i) => ({
    operation: operationOf(i),
    type: 'probabilistic',
    param: rateOf(i),
  }));
  const strategies = {
    default_strategy: { type: 'probabilistic', param: 0.5, operation_strategies: operations },
    service_strategies: Array.from({ length: services }, (_, i) => ({
      service: `service-${i}`,
      type: 'probabilistic',
      param: i / services,
    })),
  };
  writeFileSync(path, JSON.stringify(strategies));
  return {
    receivers: { nop: {} },
    exporters: { nop: {} },
    extensions: {
      remote_sampling: {
        file: { path },
        http: { endpoint: `127.0.0.1:${ports.http}` },
        grpc: { endpoint: `127.0.0.1:${ports.grpc}` },
      },
    },
    service: {
      extensions: ['remote_sampling'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['nop'], exporters: ['nop'] } },
    },
  };
}

/** As the SDK of Go asks, each poll for the next service, and all that must come back. `headers`: further lines. */
export function askedOverHttp(services: number, headers = ''): AskedOverHttp {
  const requests = Array.from({ length: services }, (_, i) =>
    Buffer.from(
      `GET /sampling?service=service-${i} HTTP/1.1\r\nHost: localhost:5778\r\n` +
        `User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n${headers}\r\n`,
    ),
  );
  const operations = Array.from(
    { length: OPERATIONS },
    (_, i) => `{"operation":"${operationOf(i)}","probabilisticSampling":{"samplingRate":${rateOf(i)}}}`,
  );
  const tail =
    `,"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[${operations.join(',')}],` +
    '"defaultUpperBoundTracesPerSecond":0}}';
  return {
    requestOf: (poll) => requests[poll % services] as Buffer,
    isRight: (poll, body) => {
      const rate = String((poll % services) / services);
      return (
        body ===
        `{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":${rate}},` +
          `"operationSampling":{"defaultSamplingProbability":${rate}${tail}`
      );
    },
  };
}

/** The same as the SDK of Java asks. */
export function askedOverGrpc(services: number): AskedOverGrpc {
  const requests = Array.from({ length: services }, (_, i) => requestOfService(`service-${i}`));
  return {
    requestOf: (poll) => requests[poll % services] as Buffer,
    isRight: (poll, reply) => {
      const { probabilisticSampling, operationSampling } = strategyOfReply(reply);
      const listed = operationSampling?.perOperationStrategies ?? [];
      return (
        probabilisticSampling?.samplingRate === (poll % services) / services &&
        listed.length === OPERATIONS &&
        listed.every(
          (each, i) =>
            each.operation === operationOf(i) && each.probabilisticSampling?.samplingRate === rateOf(i),
        )
      );
    },
  };
}

/** Polls that the engine counted, by how they came. */
export async function countedPolls(port: number): Promise<{ readonly http: number; readonly grpc: number }> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/sampling/pollers`);
  const { services } = (await answer.json()) as {
    readonly services: readonly {
      readonly pollers: readonly { readonly transport: 'http' | 'grpc'; readonly polls: number }[];
    }[];
  };
  const counted = { http: 0, grpc: 0 };
  for (const { pollers } of services) for (const each of pollers) counted[each.transport] += each.polls;
  return counted;
}
