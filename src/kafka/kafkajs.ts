import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join, sep } from 'node:path';
import type * as KafkaJs from 'kafkajs';
import type { ISocketFactoryArgs } from 'kafkajs';
import { SpanweirError } from '../base/errors.ts';
import { keepTurns } from './fetch-turns.ts';
import { FetchedBatch } from './fetched-batch.ts';
import { FetchedMessages } from './fetched-messages.ts';
import { connectFramed, frameOf, hookConnection } from './frames.ts';
import { hookConsumerGroup } from './group-hooks.ts';
import { isOldMessageSet } from './old-message-sets.ts';
import { MAX_UNPACKED_BYTES, readRecordBatches } from './record-batch.ts';
import { encodeRecord, type OutgoingRecord } from './record-encoder.ts';
import { hookRequestQueue } from './request-queue.ts';
import { UnpackMemory } from './unpack-memory.ts';

/**
 * The one place where kafkajs is loaded, and where seven of its parts are replaced (docs/adr/003-kafkajs-seams.md
 * says why): how a connection reads responses, the timer of its requests, the decoder of fetched records, the class
 * that filters them, the encoder of a record, the order of a fetch, and the moments of a consumer group that it has no hook for. All are
 * internals, so exactly one version is accepted.
 */
export const KAFKAJS_VERSION = '2.2.4';

const load = createRequire(import.meta.url);
const root = dirname(load.resolve('kafkajs/package.json'));
/** kafkajs' own decoder, for message sets of brokers from before 0.11. */
let oldMessageSets: DecodeMessages | undefined;

const unpackMemory = new UnpackMemory();

let loadedKafkaJs: typeof KafkaJs | undefined;

type Shuffle = <T>(list: T[]) => T[];

/** Loaded when it is asked for first: an engine without a Kafka component starts sooner. */
export function kafkaJs(): typeof KafkaJs {
  loadedKafkaJs ??= loadKafkaJs();
  return loadedKafkaJs;
}

function loadKafkaJs(): typeof KafkaJs {
  const { version } = load('kafkajs/package.json') as { version: string };
  if (version !== KAFKAJS_VERSION) {
    throw new SpanweirError(
      'START',
      `kafkajs ${version} is installed; Spanweir works with ${KAFKAJS_VERSION} only`,
    );
  }
  // A copy that was loaded before holds the parts that are about to be replaced; it keeps working with what it has.
  for (const path of Object.keys(load.cache)) if (path.startsWith(root + sep)) delete load.cache[path];
  oldMessageSets = replace('protocol/requests/fetch/v4/decodeMessages.js', decodeMessages) as DecodeMessages;
  replace('consumer/batch.js', FetchedBatch);
  replace('protocol/recordBatch/record/v0/index.js', recordEncoder());
  replace('utils/shuffle.js', keepTurns(load(join(root, 'src/utils/shuffle.js')) as Shuffle));
  const loaded = load('kafkajs') as typeof KafkaJs;
  hookConnection(load(join(root, 'src/network/connection.js')));
  hookRequestQueue(load(join(root, 'src/network/requestQueue/index.js')));
  hookConsumerGroup(load(join(root, 'src/consumer/consumerGroup.js')));
  return loaded;
}

/** Gives what kafkajs takes for an encoded record: an Encoder around its bytes. */
function recordEncoder(): (record: OutgoingRecord) => object {
  const Encoder = load(join(root, 'src/protocol/encoder.js')) as { readonly prototype: object };
  return (record) => {
    const bytes = encodeRecord(record);
    return Object.assign(Object.create(Encoder.prototype) as object, { buf: bytes, offset: bytes.length });
  };
}

type DecodeMessages = (decoder: Decoder) => Promise<unknown>;

/** The part of kafkajs' Decoder that is used here. */
interface Decoder {
  readonly buffer: Buffer;
  offset: number;
}

/** Takes the records of one partition off the decoder: INT32 size, then that many bytes. */
async function decodeMessages(decoder: Decoder): Promise<unknown> {
  const size = decoder.buffer.readInt32BE(decoder.offset);
  const from = decoder.offset + 4;
  const bytes = decoder.buffer.subarray(from, from + Math.max(0, size));
  if (oldMessageSets !== undefined && isOldMessageSet(bytes)) return await oldMessageSets(decoder);
  decoder.offset = from + Math.max(0, size);
  const frame = bytes.length === 0 ? undefined : frameOf(bytes);
  frame?.retain();
  const lease = unpackMemory.lease();
  const batches = readRecordBatches(bytes, MAX_UNPACKED_BYTES, lease);
  return new FetchedMessages(batches, bytes.length, frame === undefined ? [lease] : [frame, lease]);
}

/**
 * Over plain TCP in our own frames, over TLS kafkajs' own way. Requests that are sent while a socket connects
 * each wait for it as a listener, which Node would warn about.
 */
export function openSocket(options: ISocketFactoryArgs): Socket {
  if (options.ssl) {
    const create = load(join(root, 'src/network/socketFactory.js')) as () => (
      options: ISocketFactoryArgs,
    ) => Socket;
    return create()(options).setMaxListeners(0);
  }
  const { host, port, onConnect } = options;
  return connectFramed({ host, port }, onConnect).setKeepAlive(true, KEEP_ALIVE_MS).setMaxListeners(0);
}

const KEEP_ALIVE_MS = 60_000;

function replace(path: string, replacement: unknown): unknown {
  const file = join(root, 'src', path);
  const original: unknown = load(file);
  const entry = load.cache[file];
  if (entry === undefined) throw new SpanweirError('START', `kafkajs has no ${path}`);
  entry.exports = replacement;
  return original;
}

/**
 * Runs a fetch response with one record through kafkajs' own response parser and Batch: throws when the
 * replacements are not in the way, before the first byte is read from a broker.
 */
export async function assertSeams(): Promise<void> {
  const fetch = load(join(root, 'src/protocol/requests/fetch/v11/response.js')) as {
    decode(bytes: Buffer): Promise<{ responses: { partitions: { messages: unknown }[] }[] }>;
  };
  const decoded = await fetch.decode(SAMPLE_RESPONSE);
  const isOurs = decoded.responses[0]?.partitions[0]?.messages instanceof FetchedMessages;
  const isBatchOurs = load(join(root, 'src/consumer/batch.js')) === FetchedBatch;
  if (!isOurs || !isBatchOurs)
    throw new SpanweirError('START', 'kafkajs reads records by itself: unknown internals');
}

const SAMPLE_RESPONSE = Buffer.concat([
  // throttle time, error, session, one topic "t", one partition 0 without error, watermarks, no aborted, no replica
  Buffer.from('00000000' + '0000' + '00000000' + '00000001' + '000174' + '00000001', 'hex'),
  Buffer.from('00000000' + '0000' + '00000000'.repeat(6) + 'ffffffff' + 'ffffffff', 'hex'),
  // 69 bytes of records: a batch with one record (key null, value "v") at offset 0; its checksum does not matter
  Buffer.from('00000045' + '0000000000000000' + '00000039' + '00000000' + '02' + '00000000', 'hex'),
  Buffer.from('0000' + '00000000' + '0000000000000000'.repeat(2) + 'ffffffffffffffff', 'hex'),
  Buffer.from('ffff' + 'ffffffff' + '00000001' + '0e000000010276' + '00', 'hex'),
]);
