import { afterEach, describe, expect, it } from 'vitest';
import { type HostedPage, hostPage } from './hosted.ts';
import { decisionOf } from './scripted.ts';

let page: HostedPage;
afterEach(() => page.close());

interface Overview {
  rows: { service: string; operation: string; rate: number; sampling: { probability: number } | null }[];
  addresses: { address: string }[];
  components: { key: string }[];
  sampling: { isServed: boolean };
  matching: number;
}

async function overview(query = ''): Promise<Overview> {
  return (await (await fetch(`${page.url}/api/overview${query}`)).json()) as Overview;
}

describe('the overview page', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/assets/overview.css', 'text/css; charset=utf-8'],
    ['/assets/overview.js', 'text/javascript; charset=utf-8'],
    ['/api/overview', 'application/json'],
  ])('serves %s with headers that let nothing foreign in', async (path, type) => {
    page = await hostPage();
    const answer = await fetch(`${page.url}${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
  });

  it('names nothing outside itself', async () => {
    page = await hostPage();
    for (const path of ['/', '/assets/overview.css', '/assets/overview.js', '/assets/cells.js']) {
      const text = await (await fetch(`${page.url}${path}`)).text();
      expect(text.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
    }
  });

  it('takes traffic, decisions, health and addresses from the engine', async () => {
    page = await hostPage();
    page.health = [{ key: 'exporter:clickhouse', status: 'ok', reason: '' }];
    page.decisions = [decisionOf({ service: '<b>', operation: 'GET /' })];
    page.add([{ service: '<b>', calls: 5 }]);
    const answer = await overview();
    expect(answer.rows[0]).toMatchObject({ service: '<b>', operation: 'GET /' });
    expect(answer.sampling.isServed).toBe(true);
    expect(answer.components).toEqual([{ key: 'exporter:clickhouse', status: 'ok', reason: '' }]);
    expect(answer.addresses.map(({ address }) => address)).toContain('localhost:4318');
    expect(answer.rows[0]?.sampling?.probability).toBe(0.25);
  });

  it('bounds what a query may ask for, and takes nonsense for nothing', async () => {
    page = await hostPage();
    page.add(Array.from({ length: 1200 }, (_, i) => ({ name: `op ${i}`, calls: 1 })));
    expect((await overview('?limit=5')).rows).toHaveLength(5);
    expect((await overview('?limit=99999')).rows).toHaveLength(1000);
    expect((await overview('?limit=-1')).rows).toHaveLength(200);
    expect((await overview('?limit=x&kinds=%00&filter=OP%2011')).matching).toBe(111);
    expect((await fetch(`${page.url}/api/overview`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${page.url}/assets/../component.ts`)).status).toBe(404);
  });
});
