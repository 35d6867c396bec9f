import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { parseFlags } from '../../demo/flags.ts';
import { entryPoints, serviceNames } from '../../demo/shop-map.ts';
import { isRush, requestsFor } from '../../demo/traffic.ts';
import { traceIdVariate } from '../../src/sampling/roots/trace-id-variate.ts';
import { eventually } from '../http/fakes.ts';
import { exportTraceServiceRequest } from '../support/otlp-proto.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Span {
  service: string;
  language: string;
  name: string;
  traceId: string;
  isRoot: boolean;
  attributes: Record<string, unknown>;
}

interface Decoded {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: Uint8Array;
        parentSpanId: Uint8Array;
        attributes: { key: string; value: Record<string, unknown> }[];
      }[];
    }[];
  }[];
}

/** Takes spans like the engine, and serves 0.5 to everybody. */
async function fakeEngine() {
  const spans: Span[] = [];
  const polls = new Set<string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname === '/sampling') {
      polls.add(url.searchParams.get('service') ?? '');
      response.end('{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}');
      return;
    }
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const isGzip = request.headers['content-encoding'] === 'gzip';
      spans.push(...decode(isGzip ? gunzipSync(body) : body));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, polls };
}

function decode(body: Uint8Array): Span[] {
  const { resourceSpans } = exportTraceServiceRequest.decode(body) as unknown as Decoded;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const textOf = (name: string) =>
      resource.attributes.find(({ key }) => key === name)?.value.stringValue ?? '';
    const service = textOf('service.name');
    const language = textOf('telemetry.sdk.language');
    return scopeSpans
      .flatMap((scope) => scope.spans)
      .map((span) => ({
        service,
        language,
        name: span.name,
        traceId: Buffer.from(span.traceId).toString('hex'),
        isRoot: span.parentSpanId.length === 0,
        // An attribute's value has exactly one field of its own.
        attributes: Object.fromEntries(
          span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
        ),
      }));
  });
}

function isKeptByHalf({ traceId }: Span): boolean {
  return traceIdVariate('js', Buffer.from(traceId, 'hex'), 0) < 0.5;
}

describe('the demo shop', () => {
  it('sends traces of a dozen services over OTLP, follows its strategy and closes when told', async () => {
    const engine = await fakeEngine();
    const args = ['--import', 'tsx', 'demo/shop.ts', '--endpoint', engine.url, '--sampling', engine.url];
    const shop = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    closers.push(() => shop.kill('SIGKILL'));
    let said = '';
    shop.stdout.on('data', (text) => {
      said += text;
    });
    const exit = new Promise((resolve) => shop.once('exit', resolve));
    const roots = () => engine.spans.filter(({ isRoot }) => isRoot);
    // By chance alone one in a million times.
    await eventually(() => roots().length > 20 && roots().slice(-20).every(isKeptByHalf), 15_000);
    shop.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(said).toMatch(/12 services are open.*\n(.*\n)*shop: closed\n$/);
    expect(engine.polls).toEqual(new Set(serviceNames()));
    expect(engine.spans.some(({ attributes }) => 'sampler.type' in attributes)).toBe(false);
    expect(new Set(engine.spans.map(({ language }) => language))).toEqual(new Set(['nodejs']));
    const traces = new Set(roots().map(({ traceId }) => traceId));
    const strays = engine.spans.filter(({ traceId }) => !traces.has(traceId));
    expect(strays).toHaveLength(0);
  });

  it('has a dozen services, and requests from hot to rare', () => {
    expect(serviceNames()).toHaveLength(12);
    const rates = entryPoints.map(({ perSecond }) => perSecond);
    expect(Math.max(...rates) / Math.min(...rates)).toBeGreaterThan(1000);
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    expect(total).toBeGreaterThan(150);
    expect(total).toBeLessThan(300);
  });

  it('has a rush every couple of minutes', () => {
    expect([0, 59, 60, 109, 110, 209, 210].map(isRush)).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
    const busy = requestsFor(60, 10, 1).reduce((sum, { count }) => sum + count, 0);
    expect(busy).toBeGreaterThan(5000);
    expect(busy).toBeLessThan(8500);
  });

  it('refuses flags that make no sense', () => {
    expect(() => parseFlags(['--rate', '0'])).toThrow('--rate');
    expect(() => parseFlags(['--endpoint', 'nowhere'])).toThrow('URL');
    expect(parseFlags(['--endpoint', 'http://x:1/'])).toMatchObject({ endpoint: 'http://x:1', rate: 1 });
  });
});
