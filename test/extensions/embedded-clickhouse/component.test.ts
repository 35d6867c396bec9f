import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMPONENTS } from '../../../src/app/components.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { embeddedClickHouseExtension } from '../../../src/extensions/embedded-clickhouse/component.ts';
import { embeddedClickHouseConfig } from '../../../src/extensions/embedded-clickhouse/config.ts';
import { fakeMain, within } from '../../http/fakes.ts';

test('it starts nothing and is well when there is another server', async () => {
  const directory = join(import.meta.dirname, 'never-made');
  const unless = 'http://user:secret@elsewhere:8123';
  const main = fakeMain({ id: 'embedded_clickhouse' });
  const config = embeddedClickHouseConfig.parse({ directory, unless });
  const component = embeddedClickHouseExtension.createMain?.(config, main.context);
  await component?.start();
  expect(main.health).toEqual(['ok']);
  expect(existsSync(directory)).toBe(false);
  expect(main.log.lines).toEqual([
    {
      level: 'info',
      fields: {},
      message: 'extensions.embedded_clickhouse.unless is set: no ClickHouse is started here',
    },
  ]);
  const deadline = within(1000);
  await component?.stop(deadline);
  deadline.end();
  expect(main.health).toEqual(['ok', 'stopped']);
});

test.each([
  [{}, ''],
  [{ CLICKHOUSE_URL: '' }, ''],
  [{ CLICKHOUSE_URL: 'http://db:8123' }, 'http://db:8123'],
])('all-in-one embeds its server unless CLICKHOUSE_URL names one: %o', (variables, unless) => {
  const path = join(import.meta.dirname, '../../../pipelines/all-in-one.yaml');
  const config = loadConfig({ configs: [path], sets: [] }, COMPONENTS, { variables });
  expect(
    'problems' in config ? config.problems : config.extensions.embedded_clickhouse?.config,
  ).toMatchObject({ unless });
});
