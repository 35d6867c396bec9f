import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { promQuery, promtoolCheck, scrape } from '../../support/prometheus.ts';

const EXPOSITION = `# HELP shop_orders_total Orders taken.
# TYPE shop_orders_total counter
shop_orders_total{shop="a"} 7
`;

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(EXPOSITION);
});

afterEach(() => {
  server.close();
});

test('Prometheus scrapes a target of a test and answers queries about it', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { name, end } = await scrape(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [sample] = await promQuery(`shop_orders_total{scrape="${name}"}`);
  end();
  expect(sample?.value).toBe(7);
  expect(sample?.labels).toMatchObject({ shop: 'a', scrape: name });
});

test('promtool complains about a counter without _total and not about a good page', async () => {
  expect(await promtoolCheck(EXPOSITION)).toBe('');
  const bad = EXPOSITION.replaceAll('shop_orders_total', 'shop_orders');
  expect(await promtoolCheck(bad)).toContain('counter metrics should have "_total" suffix');
});

test('a query that Prometheus refuses is refused with its own words', async () => {
  await expect(promQuery('sum(')).rejects.toThrow('parse error');
});
