import type { Message } from 'kafkajs';
import { toError } from '../../base/errors.ts';
import { failureOf, kafkaError } from '../../kafka/errors.ts';
import { startPlacingProducer } from '../../kafka/placing-producer.ts';
import { headersInOrder } from '../../kafka/record-encoder.ts';
import { type FoundLetter, positionText, retryHeaders } from '../../receivers/kafka/dead-letter-headers.ts';
import { type CommandIo, EXIT } from './command.ts';
import { type Letter, letterKey } from './dlq-collect.ts';
import { isMark, type OpenReceiver, PRODUCE_RETRIES } from './dlq-places.ts';
import { wholeRecord } from './dlq-value.ts';

export interface RetryOptions {
  /** Where to; undefined = where each record came from. */
  readonly topic: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** Also those that were produced again already. */
  readonly again: boolean;
}

const CHUNK_LETTERS = 200;
const CHUNK_BYTES = 512 << 10;

/** Produces the records again; 1 when some could not be. */
export async function retryLetters(
  receiver: OpenReceiver,
  letters: readonly Letter[],
  options: RetryOptions,
  io: CommandIo,
  stop: AbortSignal,
): Promise<number> {
  const chosen = choose(letters, options, io);
  if (chosen.length === 0) {
    io.print('Nothing to produce again.');
    return letters.some(isBatch) ? EXIT.failed : EXIT.ok;
  }
  const targets = [...new Set(chosen.map(({ letter }) => options.topic ?? letter.position.topic))].join(', ');
  const what = `${chosen.length} record${chosen.length === 1 ? '' : 's'} to ${targets}`;
  if (options.dryRun) {
    for (const { letter } of chosen)
      io.print(`would produce ${positionText(letter.position)} (${letter.reason})`);
    io.print(`Would produce ${what}.`);
    return EXIT.ok;
  }
  if (!options.yes) {
    io.complain(
      `This produces ${what}; whoever reads there gets them. Say --yes to do it, --dry-run to see them.`,
    );
    return EXIT.usage;
  }
  return await new Retry(receiver, options, io, stop).run(chosen);
}

function choose(letters: readonly Letter[], { again }: RetryOptions, io: CommandIo): Letter[] {
  const batches = letters.filter(isBatch);
  const done = letters.filter((one) => !isBatch(one) && one.retriedMs !== undefined && !again);
  if (batches.length > 0) {
    const list = batches.map(({ letter }) => positionText(letter.position)).join(', ');
    io.complain(
      `left out, whole record batches that could not be unpacked: ${list} (show --save writes the bytes)`,
    );
  }
  if (done.length > 0) io.complain(`left out, ${done.length} produced again before; --again includes them`);
  return letters.filter((one) => !batches.includes(one) && !done.includes(one));
}

function isBatch({ letter }: Letter): boolean {
  return letter.lastOffset !== undefined;
}

interface Ready {
  readonly letter: FoundLetter;
  readonly message: Message;
  readonly topic: string;
}

/** One pass over the places again, for the values, in chunks. */
class Retry {
  readonly #receiver: OpenReceiver;
  readonly #options: RetryOptions;
  readonly #io: CommandIo;
  readonly #stop: AbortSignal;
  #chunk: Ready[] = [];
  #chunkBytes = 0;
  #done = 0;
  #failed = 0;
  #all = 0;

  constructor(receiver: OpenReceiver, options: RetryOptions, io: CommandIo, stop: AbortSignal) {
    this.#receiver = receiver;
    this.#options = options;
    this.#io = io;
    this.#stop = stop;
  }

  async run(chosen: readonly Letter[]): Promise<number> {
    const left = new Map(chosen.map((one) => [one.key, one]));
    this.#all = chosen.length;
    for (const place of this.#receiver.places) {
      for await (const found of place.scan(() => {})) {
        if (this.#stop.aborted) break;
        if (isMark(found) || !left.delete(letterKey(found))) continue;
        await this.#take(found);
      }
    }
    if (!this.#stop.aborted) await this.#flush();
    this.#io.progress(undefined);
    this.#failed += this.#stop.aborted ? 0 : left.size;
    this.#io.print(`Produced ${this.#done} of ${this.#all} records again.`);
    if (this.#stop.aborted) return EXIT.interrupted;
    return this.#failed === 0 ? EXIT.ok : EXIT.failed;
  }

  async #take(found: FoundLetter): Promise<void> {
    const record = await wholeRecord(this.#receiver, found);
    if (record === undefined) {
      this.#fail(found, 'its value is nowhere any more: too large for the dead letters, gone from its topic');
      return;
    }
    const topic = this.#options.topic ?? found.position.topic;
    const value = asBuffer(record.value);
    const headers = retryHeaders({ headers: record.headers, position: found.position });
    const message: Message = {
      key: asBuffer(record.key),
      value,
      partition: found.position.partition,
      headers: headersInOrder(headers),
      // Late or early is judged by the record's own time, as it was then.
      ...(found.timestampMs > 0 && { timestamp: String(found.timestampMs) }),
    };
    const bytes = value?.length ?? 0;
    const isOtherTopic = this.#chunk[0] !== undefined && this.#chunk[0].topic !== topic;
    if (isOtherTopic || this.#chunk.length >= CHUNK_LETTERS || this.#chunkBytes + bytes > CHUNK_BYTES) {
      await this.#flush();
    }
    this.#chunk.push({ letter: found, message, topic });
    this.#chunkBytes += bytes;
  }

  async #flush(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = [];
    this.#chunkBytes = 0;
    if (chunk.length === 0) return;
    const produced = await this.#produce(chunk);
    const [home] = this.#receiver.places;
    if (produced.length > 0) {
      await home?.mark(
        produced.map(({ letter }) => letter.position),
        this.#io.clock.wallMs(),
      );
    }
    this.#done += produced.length;
    this.#io.progress(`${this.#done} of ${this.#all} records produced again`);
  }

  /** Those that were taken: together, or one by one when the topic does not take them together. */
  async #produce(chunk: readonly Ready[]): Promise<readonly Ready[]> {
    const [first] = chunk;
    if (first === undefined) return [];
    const producer = await startPlacingProducer(this.#receiver.kafka, PRODUCE_RETRIES);
    try {
      await producer.send({ topic: first.topic, acks: -1, messages: chunk.map(({ message }) => message) });
      return chunk;
    } catch (error) {
      const { type } = failureOf(error);
      const mayDifferByRecord = type !== undefined && BY_RECORD.has(type);
      if (!mayDifferByRecord) throw kafkaError(error, `producing to ${first.topic}`);
      if (chunk.length === 1) this.#fail(first.letter, toError(kafkaError(error, first.topic)).message);
    } finally {
      await producer.disconnect();
    }
    if (chunk.length === 1) return [];
    const taken: Ready[] = [];
    for (const one of chunk) taken.push(...(await this.#produce([one])));
    return taken;
  }

  #fail({ position }: FoundLetter, why: string): void {
    this.#failed += 1;
    this.#io.complain(`${positionText(position)}: ${why}`);
  }
}

/** What a topic says of one record, whatever the others are. */
const BY_RECORD = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
]);

function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
