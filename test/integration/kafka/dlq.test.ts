import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { type CommandIo, EXIT } from '../../../src/app/commands/command.ts';
import { dlqCommand } from '../../../src/app/commands/dlq.ts';
import { COMPONENTS } from '../../../src/app/components.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { RecordHeader, SourceRecord } from '../../../src/flow/intake.ts';
import { createKafka } from '../../../src/kafka/client.ts';
import { LogReader } from '../../../src/kafka/log-reader.ts';
import { headersInOrder } from '../../../src/kafka/record-encoder.ts';
import { kafkaReceiverConfig } from '../../../src/receivers/kafka/config.ts';
import { DeadLetterTopic } from '../../../src/receivers/kafka/dead-letter-topic.ts';
import type { DeadLetter } from '../../../src/receivers/kafka/dead-letters.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { startLane, total, World } from './harness.ts';

const brokers = inject('kafkaBrokers');
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const isPoison = (text: string): boolean => text.startsWith('poison');

function receiver(topic: string, dead: object): object {
  return {
    brokers,
    group_id: uniqueName('group'),
    initial_offset: 'earliest',
    traces: { topics: [topic] },
    dead_letter: { directory: tempDirOfTest(), ...dead },
  };
}

interface Answer {
  readonly code: number;
  readonly printed: readonly string[];
  readonly complaints: readonly string[];
}

/** `spanweir dlq WORDS` with the receiver of `options`. */
async function dlq(options: object, words: readonly string[], values: object = {}): Promise<Answer> {
  const text = JSON.stringify({
    receivers: { kafka: options },
    exporters: { nop: {} },
    service: { pipelines: { traces: { receivers: ['kafka'], exporters: ['nop'] } } },
  });
  const config = loadConfig({ configs: [`yaml:${text}`], sets: [] }, COMPONENTS, { variables: {} });
  if ('problems' in config) throw new Error(config.problems.join('\n'));
  const [printed, complaints]: [string[], string[]] = [[], []];
  const io: CommandIo = {
    print: (line) => void printed.push(line),
    complain: (line) => void complaints.push(line),
    progress: () => {},
    clock: systemClock,
    log: quiet,
  };
  const given = { positionals: words, values: values as Record<string, string> };
  const code = await dlqCommand.run(given, config, io, new AbortController().signal);
  return { code, printed, complaints };
}

async function listed(options: object, values: object = {}): Promise<Record<string, unknown>[]> {
  const { printed } = await dlq(options, ['list'], { json: true, ...values });
  return printed.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function client() {
  return await createKafka(kafkaReceiverConfig.parse({ brokers }), { log: quiet, clock: systemClock });
}

/** Every record of a topic, with its headers in order. */
async function recordsOf(topic: string): Promise<SourceRecord[]> {
  const reader = await LogReader.open(await client());
  const records: SourceRecord[] = [];
  for (const { partition, low, high } of await reader.ends(topic)) {
    for await (const batch of reader.read(topic, partition, { from: low, to: high })) {
      records.push(...batch.records);
    }
  }
  await reader.close();
  return records;
}

function texts(headers: readonly RecordHeader[] = []): [string, string | null][] {
  return headers.map(({ key, value }) => [key, value && String(value)]);
}

const OWN: readonly [string, string | null][] = [
  ['tenant', 'a'],
  ['7', 'x'],
  ['tenant', 'b'],
  ['none', null],
];

/** A message with headers that only a careful client keeps as they are. */
async function produceWithHeaders(topic: string, value: string): Promise<void> {
  const headers = OWN.map(([key, text]) => ({ key, value: text === null ? null : Buffer.from(text) }));
  const producer = (await client()).producer();
  await producer.connect();
  const message: Message = { key: 'k', value, headers: headersInOrder(headers) };
  await producer.send({ topic, acks: -1, messages: [message] });
  await producer.disconnect();
}

describe('the topic of dead letters', () => {
  it('is made when it does not exist, and gets every header as it was, in order', async () => {
    const topic = await createTopic('source');
    const dead = uniqueName('dead');
    await produceWithHeaders(topic, 'poison');
    await produce(topic, [{ value: 'good' }]);
    const world = new World();
    const lane = await startLane(receiver(topic, { topic: dead }), { world, isPoison });
    await waitFor('the neighbour', () => world.count === 1);
    const [letter, ...others] = await recordsOf(dead);
    expect(others).toEqual([]);
    expect(String(letter?.key)).toBe('k');
    expect(String(letter?.value)).toBe('poison');
    expect(texts(letter?.headers).slice(0, 4)).toEqual(OWN);
    expect(
      texts(letter?.headers)
        .slice(4)
        .map(([key]) => key),
    ).toEqual([
      'x-spanweir-reason',
      'x-spanweir-cluster',
      'x-spanweir-topic',
      'x-spanweir-partition',
      'x-spanweir-offset',
      'x-spanweir-timestamp-ms',
      'x-spanweir-put-aside-ms',
      'x-spanweir-version',
      'x-spanweir-own-headers',
    ]);
    expect(total(lane, 'spanweir_kafka_receiver_dead_letters_total')).toBe(1);
  });

  it('is refused when it is compacted: nothing is read before that is put right, and the health says it', async () => {
    const topic = await createTopic('source');
    const dead = await createTopic('compacted', { config: { 'cleanup.policy': 'compact' } });
    await produce(topic, [{ value: 'good' }]);
    const world = new World();
    const lane = await startLane(receiver(topic, { topic: dead }), { world });
    const { reason } = await waitFor('it says so', () =>
      lane.health.find(({ status }) => status === 'recoverable'),
    );
    expect(reason).toContain(`the dead-letter topic ${dead} is compacted`);
    expect(world.count).toBe(0);
  });

  it('gets what is too large for it without the value, which is in the folder; the partition goes on', async () => {
    const topic = await createTopic('source');
    const dead = await createTopic('small', { config: { 'max.message.bytes': '2000' } });
    const large = `poison ${'x'.repeat(50_000)}`;
    await produce(topic, [{ value: 'poison 1' }, { value: large }, { value: 'good' }]);
    const options = receiver(topic, { topic: dead }) as { dead_letter: { directory: string } };
    const world = new World();
    const lane = await startLane(options, { world, isPoison });
    await waitFor('the neighbour', () => world.count === 1);
    const counted = 'spanweir_kafka_receiver_dead_letters_too_large_total';
    expect(lane.values.get(`${counted}{"receiver":"kafka","value":"folder"}`)).toBe(1);
    expect(readdirSync(options.dead_letter.directory)).toEqual([`${topic}-0-1.json`]);
    const letters = await listed(options);
    const bytes = new Map(letters.map(({ position, value_bytes }) => [position, value_bytes]));
    expect(Object.fromEntries(bytes)).toEqual({ [`${topic}:0:0`]: 8, [`${topic}:0:1`]: 50_007 });
    const file = join(tempDirOfTest(), 'value');
    const shown = await dlq(options, ['show', `${topic}:0:1`], { save: file });
    expect(shown.printed).toContain('value       50007 bytes, from the folder');
    expect(await dlq(options, ['retry', `${topic}:0:1`], { yes: true })).toMatchObject({ code: EXIT.ok });
    const again = (await recordsOf(topic)).at(-1);
    expect(String(again?.value)).toBe(large);
  });
});

describe('spanweir dlq', () => {
  it('shows a letter once that was put aside twice, as after a kill', async () => {
    const dead = await createTopic('dead', { partitions: 3 });
    const kafka = await client();
    const folder = { prepare: async () => {}, put: async () => {}, stop: async () => {} };
    const tooLarge = () => ({ add: () => {} });
    const deps = { clock: systemClock, log: quiet, version: '1.2.3', folder, tooLarge };
    const record = { offset: 5, timestampMs: 1_700_000_000_000, key: null, value: Buffer.from('bad') };
    const letter: DeadLetter = { clusterId: 'c', topic: 'gone', partition: 4, reason: 'group', record };
    for (const _ of [1, 2]) {
      const letters = new DeadLetterTopic(kafka, dead, deps);
      await letters.put(letter);
      await letters.stop();
    }
    expect(await recordsOf(dead)).toHaveLength(2);
    const found = await listed(receiver('gone', { topic: dead }));
    expect(found).toMatchObject([{ position: 'gone:4:5', copies: 2, reason: 'group', version: '1.2.3' }]);
  });

  it('produces records again once, as they were; what fails again carries the count', async () => {
    const topic = await createTopic('source', { partitions: 2 });
    const dead = uniqueName('dead');
    const options = receiver(topic, { topic: dead });
    await produceWithHeaders(topic, 'poison');
    const world = new World();
    await startLane(options, { world, isPoison });
    const [first] = await waitFor('the letter', async () => {
      const found = await listed(options);
      return found.length === 1 && found;
    });
    const position = String(first?.['position']);
    expect(await dlq(options, ['retry'], { yes: true })).toEqual({
      code: EXIT.ok,
      printed: ['Produced 1 of 1 records again.'],
      complaints: [],
    });
    const [original, again, ...more] = await recordsOf(topic);
    expect(more).toEqual([]);
    expect([String(again?.key), String(again?.value)]).toEqual(['k', 'poison']);
    expect(again?.timestampMs).toBe(original?.timestampMs);
    expect(texts(again?.headers)).toEqual([
      ...OWN,
      ['x-spanweir-retry-of', position],
      ['x-spanweir-retry-count', '1'],
    ]);
    const both = await waitFor('it has failed again', async () => {
      const found = await listed(options);
      return found.length === 2 && found;
    });
    expect(both).toMatchObject([
      { retries: 1, retried_ms: null },
      { position, retries: 0 },
    ]);
    expect(both[1]?.['retried_ms']).toEqual(expect.any(Number));
    // Of the two, only the one that has not been produced again yet.
    expect(await dlq(options, ['retry'], { 'dry-run': true })).toMatchObject({
      printed: [
        `would produce ${String(both[0]?.['position'])} (malformed)`,
        `Would produce 1 record to ${topic}.`,
      ],
      complaints: ['left out, 1 produced again before; --again includes them'],
    });
  });

  it('produces to another topic when told so, and says what that does not take', async () => {
    const topic = await createTopic('source');
    const target = await createTopic('target', { config: { 'max.message.bytes': '1000' } });
    await produce(topic, [{ value: 'poison' }, { value: `poison ${'x'.repeat(2000)}` }, { value: 'good' }]);
    const options = receiver(topic, {});
    const world = new World();
    await startLane(options, { world, isPoison });
    await waitFor('the neighbour', () => world.count === 1);
    const { code, printed, complaints } = await dlq(options, ['retry'], { topic: target, yes: true });
    expect({ code, printed }).toEqual({ code: EXIT.failed, printed: ['Produced 1 of 2 records again.'] });
    expect(complaints).toEqual([expect.stringMatching(new RegExp(`^${topic}:0:1: .*MESSAGE_TOO_LARGE`))]);
    expect((await recordsOf(target)).map(({ value }) => String(value))).toEqual(['poison']);
    expect((await listed(options)).filter((letter) => letter['retried_ms'] !== null)).toHaveLength(1);
  });
});
