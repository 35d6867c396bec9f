import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter } from '../../base/instruments.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';

export interface FolderOptions {
  readonly directory: string;
  readonly maxBytes: number;
  /** Tells the temporary files of several lanes apart. */
  readonly lane: number;
  /** Dead letters that were deleted to make room. */
  readonly deleted: Counter;
}

/** One JSON file per dead letter, named by its position; the oldest are deleted when the folder is full. */
export class DeadLetterFolder implements DeadLetters {
  readonly #options: FolderOptions;
  /** Bytes as of the last look, plus what was written since; undefined = look first. */
  #bytes: number | undefined;
  #writesSinceLook = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: FolderOptions) {
    this.#options = options;
  }

  put(letter: DeadLetter): Promise<void> {
    const written = this.#last.then(() => this.#write(letter));
    this.#last = written.catch(() => {});
    return written;
  }

  async stop(): Promise<void> {
    await this.#last;
  }

  async #write(letter: DeadLetter): Promise<void> {
    const { directory, maxBytes, lane } = this.#options;
    const name = `${letter.topic}-${letter.partition}-${letter.record.offset}.json`;
    let text = render(letter, true);
    if (text.length > maxBytes) text = render(letter, false);
    try {
      await mkdir(directory, { recursive: true });
      await this.#makeRoom(text.length);
      const temporary = join(directory, `.${name}.${lane}`);
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(directory, name));
    } catch (error) {
      const message = `dead letter in ${directory}: ${toError(error).message}`;
      throw new SpanweirError('UNAVAILABLE', message, { retry: 'backoff', cause: error });
    }
    this.#bytes = (this.#bytes ?? 0) + text.length;
    this.#writesSinceLook += 1;
  }

  /** Other lanes write here too, so the folder is looked at again now and then. */
  async #makeRoom(bytes: number): Promise<void> {
    const { directory, maxBytes, deleted } = this.#options;
    const isFresh = this.#bytes !== undefined && this.#writesSinceLook < 256;
    if (isFresh && (this.#bytes as number) + bytes <= maxBytes) return;
    const letters = await list(directory);
    let total = letters.reduce((sum, letter) => sum + letter.bytes, 0);
    for (const { path, bytes: freed } of letters) {
      if (total + bytes <= maxBytes) break;
      await unlink(path).catch(() => {});
      total -= freed;
      deleted.add(1);
    }
    this.#bytes = total;
    this.#writesSinceLook = 0;
  }
}

/** Oldest first. */
async function list(directory: string): Promise<{ path: string; bytes: number; writtenMs: number }[]> {
  const letters = [];
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.json')) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) letters.push({ path, bytes: found.size, writtenMs: found.mtimeMs });
  }
  return letters.sort((a, b) => a.writtenMs - b.writtenMs);
}

/** Bytes are base64. Without its value (too large for the folder) a letter tells the value's size. */
function render(letter: DeadLetter, isWithValue: boolean): string {
  const { clusterId, topic, partition, reason, lastOffset, record } = letter;
  const { offset, timestampMs, key, value, headers = [] } = record;
  const fields = {
    cluster: clusterId,
    topic,
    partition,
    offset,
    last_offset: lastOffset,
    timestamp_ms: timestampMs,
    reason,
    key: base64(key),
    value: isWithValue ? base64(value) : undefined,
    value_bytes: value?.length,
    headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
  };
  return `${JSON.stringify(fields)}\n`;
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
