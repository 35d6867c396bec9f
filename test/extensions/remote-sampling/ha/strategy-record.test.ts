import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toRecord, toStrategy } from '../../../../src/extensions/remote-sampling/ha/strategy-record.ts';
import { perOperation, strategies } from './strategies.ts';

describe('a strategy in a record', () => {
  test('has short names and operations as pairs', () => {
    expect(toRecord(perOperation({ 'GET /': 0.5, 'PUT /': 1 }))).toEqual({
      type: 'PROBABILISTIC',
      byOperation: {
        default: 0.001,
        lowerBound: 0.5,
        upperBound: 0,
        operations: [
          ['GET /', 0.5],
          ['PUT /', 1],
        ],
      },
    });
    expect(toRecord({ strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate: 0.1 } })).toEqual(
      {
        type: 'PROBABILISTIC',
        rate: 0.1,
      },
    );
    expect(
      toRecord({ strategyType: 'RATE_LIMITING', rateLimitingSampling: { maxTracesPerSecond: 5 } }),
    ).toEqual({
      type: 'RATE_LIMITING',
      perSecond: 5,
    });
  });

  test('comes back as it was, to the last bit, through JSON', () => {
    fc.assert(
      fc.property(strategies, (strategy) => {
        expect(toStrategy(JSON.parse(JSON.stringify(toRecord(strategy))))).toEqual(strategy);
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'is refused with the number %s, which JSON has no word for',
    (x) => {
      expect(() => toRecord(perOperation({ 'GET /': x }))).toThrow('a strategy has a number that is none');
    },
  );

  test.each([
    ['nothing', null],
    ['a text', 'PROBABILISTIC'],
    ['another type', { type: 'CONST' }],
    ['no number', { type: 'PROBABILISTIC', rate: null }],
    ['a text for a number', { type: 'PROBABILISTIC', rate: '0.5' }],
    ['no list', { type: 'PROBABILISTIC', byOperation: { default: 1, lowerBound: 1, upperBound: 1 } }],
    [
      'no pair',
      {
        type: 'PROBABILISTIC',
        byOperation: { default: 1, lowerBound: 1, upperBound: 1, operations: [['a']] },
      },
    ],
  ])('is refused when it is %s', (_what, record) => {
    expect(() => toStrategy(record)).toThrow('a record holds no strategy');
  });
});
