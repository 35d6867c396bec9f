import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDatabase } from '../../bench/support/embedded-database.ts';
import { fillShop } from '../../test/support/shop.ts';
import { renderQueryPages } from './query-pages.ts';

/** Writes docs/queries: `npx tsx scripts/docs/write-query-pages.ts`. */
const dir = mkdtempSync(join(tmpdir(), 'spanweir-pages-'));
const { client, stop } = await startDatabase(dir, 'shop');
try {
  await fillShop(client);
  for (const [name, text] of Object.entries(await renderQueryPages(client))) {
    writeFileSync(new URL(`../../docs/queries/${name}`, import.meta.url), text);
  }
} finally {
  await stop();
  rmSync(dir, { recursive: true, force: true });
}
