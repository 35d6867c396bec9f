import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import { fileStrategies, parseStrategiesFile } from '../../../src/sampling/strategies/strategies-file.ts';

test.each([
  ['3', 'json: cannot unmarshal number into Go value of type file.strategies'],
  ['true', 'json: cannot unmarshal bool into Go value of type file.strategies'],
  ['[]', 'json: cannot unmarshal array into Go value of type file.strategies'],
  ['{"default_strategy": {"param": "0.5"}}', 'default_strategy.param of type float64'],
  ['{"default_strategy": 1}', 'cannot unmarshal number into Go struct field default_strategy'],
  ['{"service_strategies": {}}', 'cannot unmarshal object into Go struct field service_strategies'],
  ['{"service_strategies": [{"service": 1}]}', 'service_strategies.service of type string'],
  [
    '{"service_strategies": [{"operation_strategies": [{"type": 1}]}]}',
    'operation_strategies.type of type string',
  ],
  ['bad value', 'failed to unmarshal strategies: '],
])('%s is refused', (text, message) => {
  expect(() => parseStrategiesFile(text)).toThrow(message);
});

test.each(['null', '{}', '{"default_strategy": null, "service_strategies": [null]}', '{"other": 1}'])(
  '%s leaves everyone at the default',
  (text) => {
    const { fallback, services } = fileStrategies(parseStrategiesFile(text), 0.25);
    expect(fallback).toEqual({
      strategyType: 'PROBABILISTIC',
      probabilisticSampling: { samplingRate: 0.25 },
    });
    expect(services.size).toBe(0);
  },
);

test('a limited default with operations leaves other operations at the default probability', () => {
  const operations = [{ operation: 'op', type: 'probabilistic', param: 0.5 }];
  const file = { default_strategy: { type: 'ratelimiting', param: 2.9, operation_strategies: operations } };
  expect(fileStrategies(file, 0.001).fallback).toEqual({
    strategyType: 'RATE_LIMITING',
    rateLimitingSampling: { maxTracesPerSecond: 2 },
    operationSampling: {
      defaultSamplingProbability: 0.001,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies: [{ operation: 'op', probabilisticSampling: { samplingRate: 0.5 } }],
      defaultUpperBoundTracesPerSecond: 0,
    },
  });
});

test('any JSON is either strategies or refused with the one typed error', () => {
  const key = fc.constantFrom(
    'default_strategy',
    'service_strategies',
    'operation_strategies',
    'param',
    'type',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, 0.5, 'probabilistic', 'ratelimiting', ''),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      try {
        fileStrategies(parseStrategiesFile(JSON.stringify(value)), 0.001);
      } catch (error) {
        expect(error).toBeInstanceOf(SpanweirError);
      }
    }),
  );
});
