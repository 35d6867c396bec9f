import { readdirSync } from 'node:fs';
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

interface View extends Overview {
  red?: { isKnown: boolean };
  view?: {
    isServed?: boolean;
    figures?: { residentBytes: number };
    latencies?: { what: string }[];
  };
}

async function view(query: string): Promise<View> {
  return (await (await fetch(`${page.url}/api/views/${query}`)).json()) as View;
}

async function overview(query = ''): Promise<Overview> {
  return (await (await fetch(`${page.url}/api/overview${query}`)).json()) as Overview;
}

describe('the overview page', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/assets/overview.css', 'text/css; charset=utf-8'],
    ['/assets/overview.js', 'text/javascript; charset=utf-8'],
    ['/assets/views.css', 'text/css; charset=utf-8'],
    ['/assets/graph-layout.js', 'text/javascript; charset=utf-8'],
    ['/api/overview', 'application/json'],
    ['/api/views/red', 'application/json'],
    ['/api/views/sampling', 'application/json'],
    ['/api/views/graph', 'application/json'],
    ['/api/views/engine', 'application/json'],
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
    const folder = new URL('../../../src/extensions/overview-page/assets/', import.meta.url);
    const files = readdirSync(folder).filter((file) => /\.(js|css)$/.test(file));
    expect(files.length).toBeGreaterThan(10);
    for (const path of ['/', ...files.map((file) => `/assets/${file}`)]) {
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

  it('answers for one service, without a connector for the graph, and with what it takes itself', async () => {
    page = await hostPage();
    page.add([
      { service: 'shop', calls: 5 },
      { service: 'cart', calls: 3 },
    ]);
    const red = await view('red?service=cart');
    expect(red.rows.map(({ service }) => service)).toEqual(['cart']);
    expect(red.red?.isKnown).toBe(true);
    expect((await view('red?service=nobody')).red?.isKnown).toBe(false);
    expect((await view('graph')).view?.isServed).toBe(false);
    const { figures, latencies } = (await view('engine')).view ?? {};
    expect(figures?.residentBytes).toBeGreaterThan(1e6);
    expect(latencies?.map(({ what }) => what)).toContain('this page: time to answer');
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
