import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM_ARGS, ensureChromium } from '../../scripts/parts/chromium.mjs';

/** A real Chromium with a profile of its own; close it, that ends all of its processes. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: await ensureChromium(),
    headless: true,
    args: [...CHROMIUM_ARGS],
  });
}
