import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import type { Encoding, SourceRecord } from '../../flow/intake.ts';
import { createKafka, type KafkaClient } from '../../kafka/client.ts';
import { LogReader } from '../../kafka/log-reader.ts';
import { startPlacingProducer } from '../../kafka/placing-producer.ts';
import { headersInOrder } from '../../kafka/record-encoder.ts';
import { encodingOf, type KafkaReceiverConfig } from '../../receivers/kafka/config.ts';
import { letterFileName, readLetterFile } from '../../receivers/kafka/dead-letter-folder.ts';
import {
  type FoundLetter,
  type LetterPosition,
  markHeaders,
  readLetter,
} from '../../receivers/kafka/dead-letter-headers.ts';
import { type CommandIo, UsageError } from './command.ts';

/** Of one request: a person is waiting. */
export const PRODUCE_RETRIES = 5;

/** What a place of letters holds: letters, and marks of those that were produced again. */
export type Found = FoundLetter | RetryMark;

export interface RetryMark {
  readonly position: LetterPosition;
  readonly retriedMs: number;
}

export function isMark(found: Found): found is RetryMark {
  return 'retriedMs' in found;
}

/** The dead letters of one kafka receiver. */
export interface LetterPlace {
  /** For people: `topic NAME` or `folder PATH`. */
  readonly name: string;
  /** Everything that is there now, oldest first as far as the place knows. */
  scan(progress: (done: number, all: number) => void): AsyncGenerator<Found>;
  /** Notes that these records were produced again. */
  mark(positions: readonly LetterPosition[], atMs: number): Promise<void>;
}

/** A receiver's connection and places, for the time of a command. */
export interface OpenReceiver {
  readonly id: string;
  readonly config: KafkaReceiverConfig;
  readonly encoding: Encoding;
  readonly kafka: KafkaClient;
  readonly places: readonly LetterPlace[];
  /** One record of a topic; undefined when the log does not hold it (any more). */
  original(position: LetterPosition): Promise<SourceRecord | undefined>;
  close(): Promise<void>;
}

/** The receiver that `--receiver` names, or the only one there is. @throws UsageError */
export function chosenReceiver(
  config: LoadedConfig,
  id: string | undefined,
): { id: string; config: KafkaReceiverConfig } {
  const all = Object.entries(config.receivers).filter(([, { type }]) => type === 'kafka');
  const names = all.map(([name]) => name).join(', ');
  if (all.length === 0)
    throw new UsageError('the configuration has no kafka receiver, so there are no dead letters');
  if (id === undefined && all.length > 1) throw new UsageError(`--receiver is needed: one of ${names}`);
  const found = id === undefined ? all[0] : all.find(([name]) => name === id);
  if (found === undefined) throw new UsageError(`--receiver ${id}: expected one of ${names}`);
  return { id: found[0], config: found[1].config as KafkaReceiverConfig };
}

export async function openReceiver(
  { id, config }: { id: string; config: KafkaReceiverConfig },
  io: CommandIo,
): Promise<OpenReceiver> {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const patient = { ...config, metadata: { ...config.metadata, retry: { max: 5, backoff: 250 } } };
  const kafka = await createKafka(patient, { log: quiet, clock: io.clock });
  let opened: Promise<LogReader> | undefined;
  const reader = (): Promise<LogReader> => {
    opened ??= LogReader.open(kafka);
    return opened;
  };
  const { topic, directory } = config.dead_letter;
  const folder = folderPlace(directory);
  return {
    id,
    config,
    encoding: encodingOf(config),
    kafka,
    places: topic === undefined ? [folder] : [topicPlace(kafka, reader, topic), folder],
    original: (position) => readOriginal(reader, position),
    close: async () => {
      const open = await opened?.catch(() => undefined);
      await open?.close();
    },
  };
}

function topicPlace(kafka: KafkaClient, reader: () => Promise<LogReader>, topic: string): LetterPlace {
  return {
    name: `topic ${topic}`,
    async *scan(progress) {
      const log = await reader();
      const ends = await log.ends(topic);
      const all = ends.reduce((sum, { low, high }) => sum + high - low, 0);
      let before = 0;
      for (const { partition, low, high } of ends) {
        for await (const { records, nextOffset } of log.read(topic, partition, { from: low, to: high })) {
          progress(before + Math.min(nextOffset, high) - low, all);
          for (const record of records) {
            const found = record.offset < high ? readLetter(record) : undefined;
            if (found !== undefined) yield found;
          }
        }
        before += high - low;
      }
    },
    async mark(positions, atMs) {
      const producer = await startPlacingProducer(kafka, PRODUCE_RETRIES);
      try {
        const messages = positions.map((position) => ({
          key: null,
          value: null,
          partition: position.partition,
          headers: headersInOrder(markHeaders(position, atMs)),
        }));
        await producer.send({ topic, acks: -1, messages });
      } finally {
        await producer.disconnect();
      }
    },
  };
}

const MARK_ENDING = '.retried';

function folderPlace(directory: string): LetterPlace {
  const pathOf = ({ topic, partition, offset }: LetterPosition): string =>
    join(directory, letterFileName(topic, partition, offset));
  return {
    name: `folder ${directory}`,
    async *scan(progress) {
      const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.json'));
      for (const [index, name] of names.entries()) {
        progress(index, names.length);
        const path = join(directory, name);
        // The engine may have deleted it to make room.
        const letter = readLetterFile(await readFile(path, 'utf8').catch(() => ''));
        if (letter === undefined) continue;
        yield letter;
        const marked = await readFile(`${path}${MARK_ENDING}`, 'utf8').catch(() => undefined);
        if (marked !== undefined) yield { position: letter.position, retriedMs: Number(marked) };
      }
    },
    async mark(positions, atMs) {
      for (const position of positions) await writeFile(`${pathOf(position)}${MARK_ENDING}`, String(atMs));
    },
  };
}

async function readOriginal(
  reader: () => Promise<LogReader>,
  { topic, partition, offset }: LetterPosition,
): Promise<SourceRecord | undefined> {
  const log = await reader();
  try {
    const end = (await log.ends(topic)).find((one) => one.partition === partition);
    if (end === undefined || offset < end.low || offset >= end.high) return undefined;
    for await (const { records } of log.read(topic, partition, { from: offset, to: offset + 1 })) {
      const record = records.find((one) => one.offset === offset);
      if (record !== undefined) return record;
    }
  } catch {
    // The topic is gone, or its records can't be read: there is no original.
  }
  return undefined;
}
