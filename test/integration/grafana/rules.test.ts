import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { run } from '../../../scripts/parts/child.mjs';
import type {} from '../../support/context.ts';

const FOLDER = join(import.meta.dirname, '../../../grafana/prometheus');

test('Prometheus takes the rules, and each alert fires when it should and only then', async () => {
  const promtool = (...args: string[]): Promise<string> => run(inject('promtool'), args, { cwd: FOLDER });
  expect(await promtool('check', 'rules', 'alerts.yaml')).toMatch(/SUCCESS: \d\d rules found/);
  expect(await promtool('test', 'rules', 'alerts.test.yaml')).toContain('SUCCESS');
  expect(await promtool('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
});
