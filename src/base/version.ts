import { readFileSync } from 'node:fs';

let known: string | undefined;

/** The release that runs, as package.json says. */
export function version(): string {
  known ??= (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version;
  return known;
}
