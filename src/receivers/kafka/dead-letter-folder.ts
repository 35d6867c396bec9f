import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter } from '../../base/instruments.ts';
import type { FoundLetter } from './dead-letter-headers.ts';
import type { DeadLetter, DeadLetters, PutAside } from './dead-letters.ts';

export interface FolderOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly version: string;
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

  /** A folder is made with its first letter. */
  async prepare(): Promise<void> {}

  put(letter: DeadLetter): Promise<void> {
    const written = this.#last.then(() => this.#write(letter));
    this.#last = written.catch(() => {});
    return written;
  }

  async stop(): Promise<void> {
    await this.#last;
  }

  async #write(letter: DeadLetter): Promise<void> {
    const { directory, lane } = this.#options;
    const name = letterFileName(letter.topic, letter.partition, letter.record.offset);
    const { pieces, bytes } = this.#render(letter);
    try {
      await mkdir(directory, { recursive: true });
      await this.#makeRoom(bytes);
      const temporary = join(directory, `.${name}.${lane}`);
      const file = await open(temporary, 'w');
      try {
        await writeFile(file, pieces);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(directory, name));
    } catch (error) {
      const message = `dead letter in ${directory}: ${toError(error).message}`;
      throw new SpanweirError('UNAVAILABLE', message, { retry: 'backoff', cause: error });
    }
    this.#bytes = (this.#bytes ?? 0) + bytes;
    this.#writesSinceLook += 1;
  }

  /** The text of a letter, and its size; without its value when that alone is more than the folder may hold. */
  #render(letter: DeadLetter): { pieces: Iterable<string>; bytes: number } {
    const { clock, version, maxBytes } = this.#options;
    const putAside = { atMs: clock.wallMs(), version };
    const { value } = letter.record;
    const whole = head(letter, putAside, true);
    const valueBytes = value === null ? 0 : ',"value":""'.length + 4 * Math.ceil(value.length / 3);
    const bytes = Buffer.byteLength(whole) + valueBytes + 1;
    if (bytes <= maxBytes) return { pieces: inPieces(whole, value), bytes };
    const text = head(letter, putAside, false);
    return { pieces: inPieces(text, null), bytes: Buffer.byteLength(text) + 1 };
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

/** `topic-partition-offset.json`. */
export function letterFileName(topic: string, partition: number, offset: number): string {
  return `${topic}-${partition}-${offset}.json`;
}

/** Of the value that is turned into text at a time; a multiple of 3, so that the pieces are one base64 text. */
const PIECE_BYTES = 3 << 18;

function* inPieces(text: string, value: Uint8Array | null): Generator<string> {
  if (value === null) return yield `${text}\n`;
  yield `${text.slice(0, -1)},"value":"`;
  for (let at = 0; at < value.length; at += PIECE_BYTES) {
    yield base64(value.subarray(at, at + PIECE_BYTES)) as string;
  }
  yield '"}\n';
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

/** Bytes are base64. The value comes last, so that it can be written a piece at a time; without one its hash is told. */
function head(letter: DeadLetter, putAside: PutAside, isWithValue: boolean): string {
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
    put_aside_ms: putAside.atMs,
    version: putAside.version,
    key: base64(key),
    headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
    value_bytes: value?.length,
    value_sha256:
      isWithValue || value === null ? undefined : createHash('sha256').update(value).digest('hex'),
    ...(value === null ? { value: null } : {}),
  };
  return JSON.stringify(fields);
}

/** What `DeadLetterFolder` wrote; undefined for a file that is not one of its letters. */
export function readLetterFile(text: string): FoundLetter | undefined {
  const parsed = letterFile.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const file = parsed.data;
  const { cluster, topic, partition, offset } = file;
  return {
    position: { clusterId: cluster, topic, partition, offset },
    lastOffset: file.last_offset,
    reason: file.reason,
    timestampMs: file.timestamp_ms,
    putAside: { atMs: file.put_aside_ms, version: file.version },
    key: fromBase64(file.key),
    value: fromBase64(file.value ?? null),
    headers: file.headers.map(({ key, value }) => ({ key, value: fromBase64(value) })),
    omitted:
      file.value !== undefined || file.value_bytes === undefined
        ? undefined
        : { bytes: file.value_bytes, sha256: file.value_sha256 ?? '', place: 'source' },
  };
}

const bytesOrNull = z.string().nullable();
const letterFile = z.object({
  cluster: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  last_offset: z.number().optional(),
  timestamp_ms: z.number(),
  reason: z.string(),
  put_aside_ms: z.number().default(0),
  version: z.string().default(''),
  key: bytesOrNull,
  headers: z.array(z.object({ key: z.string(), value: bytesOrNull })),
  value: bytesOrNull.optional(),
  value_bytes: z.number().optional(),
  value_sha256: z.string().optional(),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function fromBase64(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
