// @ts-check
import { ensureProgram } from './apt.mjs';

/**
 * The path of a Chromium (or Chrome): CHROMIUM_PATH, or what is on PATH, or the Debian package.
 * @returns {Promise<string>}
 */
export async function ensureChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return await ensureProgram({ what: 'Chromium', programs, package: 'chromium' });
}

/** For a browser that shows our own pages only and leaves nothing behind; the profile folder is the caller's. */
export const CHROMIUM_ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
];
