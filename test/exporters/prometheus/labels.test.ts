import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLabels, renderLabels } from '../../../src/exporters/prometheus/labels.ts';

test('labels are read back from their text, quotes, line ends and all', () => {
  const text = String.raw`"a.\"b\\c"="1",job="",span_name="GET \"x\"\n, y=\\\\n"`;
  expect(parseLabels(text)).toEqual([
    ['a."b\\c', '1'],
    ['job', ''],
    ['span_name', 'GET "x"\n, y=\\\\n'],
  ]);
  expect(parseLabels('')).toEqual([]);
});

test('any labels come back', () => {
  const part = fc.string({
    unit: fc.constantFrom('a', 'b_', '"', '\\', '\n', '\r', ',', '=', '}', 'é', '\u2028', '7'),
  });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(part, part), { selector: ([name]) => name }), (labels) => {
      expect(parseLabels(renderLabels(labels, 'allow-utf-8'))).toEqual(labels);
    }),
  );
});
