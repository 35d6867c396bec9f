import { describe, expect, test } from 'vitest';
import { CONTROL_RULES } from '../../../src/sampling/adaptive/rules.ts';
import { explain } from '../../../src/sampling/explain/explain.ts';
import { REASONS } from '../../../src/sampling/jaeger/reasons.ts';
import { decisionOf } from '../rows.ts';

const SENTENCE = /^[A-Z0-9].{20,}\.$/;

describe('a decision is told in a sentence', () => {
  test.each(CONTROL_RULES)('of the rule %s', (rule) => {
    expect(explain(decisionOf({ rule }))).toMatch(SENTENCE);
    const unknown = { rate: Number.NaN, rateLow: Number.NaN, rateHigh: Number.NaN, target: Number.NaN };
    const said = explain(decisionOf({ rule, ...unknown }));
    expect(said).toMatch(SENTENCE);
    expect(said).not.toMatch(/NaN|undefined/);
  });

  test.each(REASONS)("of Jaeger's reason %s", (rule) => {
    const inputs = { qps: [4], seen: ['0.500000'], using: true, tolerance: 0.3 };
    expect(explain(decisionOf({ rule, inputs }))).toMatch(SENTENCE);
  });

  test('with the numbers that led to it', () => {
    expect(explain(decisionOf({ rule: 'lowered', rate: 1234, rateLow: 1100, rateHigh: 1400 }))).toBe(
      'Lowered 0.5 → 0.25: there are about 1230 requests/s (1100 to 1400), target 2.5/s.',
    );
  });

  test('with a word on a service that does not do as it is told', () => {
    expect(explain(decisionOf({ conformance: 'samples_more' }))).toMatch(
      /The service keeps traces that it was told to leave out\.$/,
    );
  });

  test('where the rule is one of a newer release', () => {
    expect(explain(decisionOf({ rule: 'guessed' }))).toBe('guessed.');
  });
});
