import { expect, test } from 'vitest';
import { COMPONENTS } from '../../../src/app/components.ts';
import { nopExporter } from '../../../src/exporters/nop/component.ts';

test('nop stands in every kind of pipeline and has no options', () => {
  expect(nopExporter.signals).toEqual(['traces', 'metrics']);
  expect(nopExporter.config.safeParse({}).success).toBe(true);
  expect(nopExporter.config.safeParse({ a: 1 }).success).toBe(false);
  expect(COMPONENTS.filter(({ type }) => type === 'nop').map(({ kind }) => kind)).toEqual([
    'receiver',
    'exporter',
  ]);
});
