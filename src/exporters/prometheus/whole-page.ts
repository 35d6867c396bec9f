import { setImmediate } from 'node:timers/promises';
import { gzipPage } from './gzip-page.ts';
import type { Page } from './pages.ts';

type WholePage = Pick<Page, 'parts' | 'gzipped'>;

/**
 * A page as it is, so that a scraper that does not want it packed costs no packing. One of more than `mostBytes` is
 * packed all the same. Others may run between two chunks.
 */
export async function plainPage(
  chunks: Generator<Buffer, void, void>,
  mostBytes: number,
): Promise<WholePage> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let next = chunks.next(); !next.done; next = chunks.next()) {
    // The generator uses its chunk again.
    parts.push(Buffer.from(next.value));
    bytes += next.value.length;
    if (bytes > mostBytes) return await packedPage(chained(parts, chunks));
    await setImmediate();
  }
  return { parts, gzipped: false };
}

export async function packedPage(chunks: Iterable<Buffer>): Promise<WholePage> {
  return { parts: [await gzipPage(chunks)], gzipped: true };
}

function* chained(
  parts: readonly Buffer[],
  rest: Generator<Buffer, void, void>,
): Generator<Buffer, void, void> {
  yield* parts;
  yield* rest;
}
