import { expect, test } from 'vitest';
import { selfTimes } from '../../../bench/support/profiles.ts';

test('time counts for the function that was sampled before it, idle time for none', () => {
  const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('scan', 'file:///engine/span/otlp-scanner.js', 9) },
      { id: 3, callFrame: frame('', 'file:///engine/red/rows.js', 4) },
      { id: 4, callFrame: frame('scan', 'file:///engine/span/otlp-scanner.js', 9) },
      { id: 5, callFrame: frame('(garbage collector)') },
    ],
    samples: [1, 2, 3, 4, 5, 1],
    timeDeltas: [50, 1000, 2000, 4000, 8000, 16_000],
  };
  expect(selfTimes(profile)).toEqual([
    { what: '(garbage collector)', ms: 16 },
    { what: 'scan span/otlp-scanner.js:10', ms: 10 },
    { what: '(anonymous) red/rows.js:5', ms: 4 },
  ]);
});
