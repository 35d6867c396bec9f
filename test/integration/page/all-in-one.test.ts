import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { encodeProto, type TestResource } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { type AllInOne, startAllInOne } from '../app/all-in-one.ts';

/**
 * 40 requests to frontend `GET /cart`: 36 take 20 ms, 4 take 300 ms and fail. Under each a client span and, in cart,
 * a server span `Get` of 10 ms.
 */
const REQUESTS = 40;
const SPANS = 3 * REQUESTS;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

describe('the page over a running engine', () => {
  it('shows in all four views what was sent', async () => {
    const engine = await startAllInOne({ dir: tempDirOfTest(), name: 'page' });
    await fetch(`http://127.0.0.1:${engine.ports.sampling}/sampling?service=frontend`);
    await send(engine);
    const { page, complaints } = await open(`http://127.0.0.1:${engine.ports.page}`);

    const cells = await rowOf(page, 'Services', 'frontend');
    expect([cells[0], cells[3]]).toEqual(['frontend', '10 %']);
    expect(cells[4]).toMatch(/^(19|20|21) ms$/);
    expect(cells[6]).toMatch(/^(29|30|31)\d ms$/);

    await page.getByRole('link', { name: 'frontend' }).first().click();
    await page.locator('#rows').getByRole('link', { name: 'GET /cart' }).click();
    await page.getByRole('navigation', { name: 'Where you are' }).getByText('GET /cart (server)').waitFor();
    expect(await rowOf(page, 'Spans by duration', '22 ms')).toEqual(['22 ms', '36']);
    expect(await rowOf(page, 'Spans by duration', '354 ms')).toEqual(['354 ms', '4']);
    await expect.poll(async () => await page.locator('#red-errors').textContent()).toBe('10 %');

    await page.getByRole('link', { name: 'Service graph' }).click();
    const edge = await rowOf(page, 'Edges', 'cart', 1);
    expect([edge[0], edge[1], edge[2], edge[4], edge[8]]).toEqual([
      'frontend',
      'cart',
      'request',
      '0 %',
      String(REQUESTS),
    ]);
    // Within the bucket of 8 to 10 ms.
    expect(edge[6]).toMatch(/^(9\.\d|10) ms$/);
    await page.locator('.graph .node-name').getByText('frontend', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Sampling' }).click();
    await expect.poll(async () => await page.locator('#sampling-pollers').textContent()).toBe('1');
    expect((await rowOf(page, 'Who polls', 'frontend')).slice(0, 2)).toEqual(['frontend', '127.0.0.1']);

    await page.getByRole('link', { name: 'Engine' }).click();
    await expect.poll(async () => await page.locator('#engine-spans').textContent()).toBe(String(SPANS));
    expect((await rowOf(page, 'Inserts into ClickHouse', 'otel_traces'))[5]).toBe(String(SPANS));
    await page.getByText('insert, from sending to the answer: otel_traces').waitFor();
    expect(await page.locator('#engine-dead').textContent()).toBe('0');
    expect(complaints).toEqual([]);
  });
});

/** Answered when they are stored. */
async function send({ otlpUrl }: AllInOne): Promise<void> {
  const answer = await fetch(otlpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(encodeProto(shop())),
  });
  expect(answer.status).toBe(200);
}

function shop(): TestResource[] {
  const startNs = BigInt(Date.now() - 1000) * 1_000_000n;
  const requests = Array.from({ length: REQUESTS }, (_, i) => {
    const traceId = (0xabc0_0000 + i).toString(16).padStart(32, '7');
    const [server, client, cart] = [1, 2, 3].map((n) => (n * 1000 + i).toString(16).padStart(16, '0'));
    const failed = i < 4;
    const common = { traceId, startNs };
    const get = {
      ...common,
      spanId: server as string,
      name: 'GET /cart',
      durationNs: failed ? 3e8 : 2e7,
      ...(failed ? { status: { code: 2, message: 'no cart' } } : {}),
    };
    const call = {
      ...common,
      spanId: client as string,
      parentSpanId: server as string,
      name: 'cart.Get',
      kind: 3,
      durationNs: 1.2e7,
    };
    const called = {
      ...common,
      spanId: cart as string,
      parentSpanId: client as string,
      name: 'Get',
      durationNs: 1e7,
    };
    return { frontend: [get, call], cart: [called] };
  });
  return [
    { service: 'frontend', spans: requests.flatMap(({ frontend }) => frontend) },
    { service: 'cart', spans: requests.flatMap(({ cart }) => cart) },
  ];
}

async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

/** Texts of the first row of a table that has `text` in a column. */
async function rowOf(page: Page, caption: string, text: string, column = 0): Promise<string[]> {
  const table = page.getByRole('table', { name: caption, exact: true });
  const cell = page.locator(`td:nth-child(${column + 1})`, { hasText: new RegExp(`^${text}$`) });
  const row = table.locator('tr').filter({ has: cell }).first();
  await row.waitFor();
  return await row.locator('td').allTextContents();
}
