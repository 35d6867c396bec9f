import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import type { Strategy } from '../../../src/sampling/strategies/strategy.ts';
import { serviceOfRequest, strategyProto } from '../../../src/sampling/strategies/strategy-proto.ts';

/** Jaeger's messages, from the field numbers that it publishes. */
const root = protobuf.parse(`
syntax = "proto3";
package jaeger.api_v2;
enum SamplingStrategyType { PROBABILISTIC = 0; RATE_LIMITING = 1; }
message ProbabilisticSamplingStrategy { double samplingRate = 1; }
message RateLimitingSamplingStrategy { int32 maxTracesPerSecond = 1; }
message OperationSamplingStrategy { string operation = 1; ProbabilisticSamplingStrategy probabilisticSampling = 2; }
message PerOperationSamplingStrategies {
  double defaultSamplingProbability = 1;
  double defaultLowerBoundTracesPerSecond = 2;
  repeated OperationSamplingStrategy perOperationStrategies = 3;
  double defaultUpperBoundTracesPerSecond = 4;
}
message SamplingStrategyResponse {
  SamplingStrategyType strategyType = 1;
  ProbabilisticSamplingStrategy probabilisticSampling = 2;
  RateLimitingSamplingStrategy rateLimitingSampling = 3;
  PerOperationSamplingStrategies operationSampling = 4;
}
message SamplingStrategyParameters { string serviceName = 1; }
`).root;
const response = root.lookupType('jaeger.api_v2.SamplingStrategyResponse');
const parameters = root.lookupType('jaeger.api_v2.SamplingStrategyParameters');

const rate = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0);
const probabilisticSampling = fc.record({ samplingRate: rate });
const strategies: fc.Arbitrary<Strategy> = fc.record(
  {
    strategyType: fc.constantFrom('PROBABILISTIC' as const, 'RATE_LIMITING' as const),
    probabilisticSampling,
    rateLimitingSampling: fc.record({ maxTracesPerSecond: fc.integer() }),
    operationSampling: fc.record({
      defaultSamplingProbability: rate,
      defaultLowerBoundTracesPerSecond: rate,
      perOperationStrategies: fc.array(
        fc.record({ operation: fc.string({ unit: 'grapheme' }), probabilisticSampling }),
      ),
      defaultUpperBoundTracesPerSecond: rate,
    }),
  },
  { requiredKeys: ['strategyType'] },
);

test('a decoder of the published messages reads what was meant', () => {
  fc.assert(
    fc.property(strategies, (strategy) => {
      const decoded = response.toObject(response.decode(strategyProto(strategy)), {
        enums: String,
        defaults: true,
      });
      const parts = { probabilisticSampling: null, rateLimitingSampling: null, operationSampling: null };
      expect(decoded).toEqual({ ...parts, ...strategy });
    }),
  );
});

test('fields ascend, and a part whose values are all zero is there', () => {
  const strategy: Strategy = {
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: 0 },
    operationSampling: {
      defaultSamplingProbability: 0,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies: [{ operation: 'a', probabilisticSampling: { samplingRate: 0 } }],
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
  expect(strategyProto(strategy).toString('hex')).toBe('120022071a050a01611200');
});

test('the service of a request is read, and unknown fields are skipped', () => {
  const bytes = parameters.encode({ serviceName: 'shop/größe' }).finish();
  expect(serviceOfRequest(bytes)).toBe('shop/größe');
  expect(serviceOfRequest(Buffer.concat([Buffer.from([0x10, 0x01]), bytes]))).toBe('shop/größe');
  expect(serviceOfRequest(Buffer.alloc(0))).toBe('');
});

test('bytes that are no request are refused', () => {
  expect(() => serviceOfRequest(Buffer.from([0x0a, 0x7f, 0x61]))).toThrow('not a SamplingStrategyParameters');
});
