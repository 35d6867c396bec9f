import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM_ARGS, ensureChromium } from '../../../scripts/parts/chromium.mjs';
import { type HostedPage, hostPage } from '../../extensions/overview-page/hosted.ts';
import { decisionOf } from '../../extensions/overview-page/scripted.ts';
import { eventually } from '../../http/fakes.ts';

const profile = mkdtempSync(join(tmpdir(), 'page-'));
let browser: BrowserContext;
let hosted: HostedPage;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureChromium(),
    args: CHROMIUM_ARGS,
    viewport: { width: 1440, height: 900 },
  });
});
afterAll(async () => {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
});
beforeEach(async () => {
  hosted = await hostPage();
  complaints = [];
  page = await browser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
});
afterEach(async () => {
  await page.close();
  await hosted.close();
  expect(complaints).toEqual([]);
});

const cells = (row: number) => page.locator('#rows tr').nth(row).locator('td').allTextContents();
const operations = () => page.locator('#rows td:nth-child(2) a').allTextContents();

describe('the overview page in Chromium', () => {
  it('says where to send spans while there are none', async () => {
    await page.goto(hosted.url);
    await page.getByText('No spans yet').waitFor();
    await page.getByText('Send OTLP to localhost:4318 (HTTP).').waitFor();
  });

  it('shows figures and decisions, and new ones by itself', async () => {
    hosted.decisions = [decisionOf({ probability: 0.25, previous: 0.5 })];
    hosted.add([{ calls: 60, seconds: 0.25 }]);
    await page.goto(hosted.url);
    await page
      .getByText('Lowered 0.5 → 0.25: there are about 16 requests/s (14 to 18), target 1/s.')
      .waitFor();
    const [service, operation, , errors, p50, , , probability, requests, sampled, target] = await cells(0);
    expect([service, operation, errors]).toEqual(['shop', 'GET /server', '0 %']);
    expect(p50).toMatch(/^2[45]\d ms$/);
    expect([probability, requests, sampled, target]).toEqual(['0.250 ▼', '16.0', '4.00', '1.00']);
    hosted.decisions = [decisionOf({ probability: 0.5, previous: 0.25, rule: 'raised', rate: 1 })];
    await page.getByText('Raised 0.25 → 0.5: there are about 1 requests/s (14 to 18), target 1/s.').waitFor();
  });

  it('treats hostile names as text', async () => {
    const name = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    hosted.add([{ service: name, name: `"'&${name}`, calls: 1 }]);
    await page.goto(hosted.url);
    await page.locator('#rows tr').first().waitFor();
    expect((await cells(0))[0]).toBe(name);
    expect(await page.locator('#rows img, #rows script').count()).toBe(0);
  });

  it('sorts by any column, filters, and shows the other kinds when asked', async () => {
    hosted.add([
      { name: 'a', calls: 1, seconds: 4 },
      { name: 'b', calls: 3, seconds: 1 },
      { name: 'c', calls: 2, seconds: 2 },
      { name: 'inner', calls: 9, kind: 1 },
    ]);
    await page.goto(hosted.url);
    await page.locator('#rows tr').nth(2).waitFor();
    expect(await operations()).toEqual(['b', 'c', 'a']);
    await page.getByRole('button', { name: 'p99' }).click();
    expect(await operations()).toEqual(['a', 'c', 'b']);
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('button', { name: 'p99' }).click();
    expect(await operations()).toEqual(['b', 'c', 'a']);
    await page.getByLabel('client and internal spans too').check();
    await page.getByText('inner').waitFor();
    await page.getByLabel('Filter by service or operation').fill('INN');
    await eventually(async () => (await page.locator('#rows tr').count()) === 1);
    await page.getByLabel('Filter by service or operation').fill('nothing like it');
    await page.getByText('No operation matches').waitFor();
  });

  it('stays usable with ten thousand operations', async () => {
    hosted.add(Array.from({ length: 10_000 }, (_, i) => ({ name: `operation ${i}`, calls: i + 1 })));
    await page.goto(hosted.url);
    await page.getByText('the 200 busiest of 10,000 operations').waitFor();
    expect((await operations()).slice(0, 2)).toEqual(['operation 9999', 'operation 9998']);
    await page.getByLabel('Filter by service or operation').fill('operation 777');
    await eventually(async () => (await page.locator('#rows tr').count()) === 11);
  });

  it('says so when the engine is gone', async () => {
    await page.goto(hosted.url);
    await page.getByText('live').waitFor();
    await hosted.close();
    await page.getByText('no answer from the engine').waitFor();
    complaints = complaints.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'));
  });
});
