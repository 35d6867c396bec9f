import type { Kafka, Message } from 'kafkajs';
import { expect, it } from 'vitest';
import type { RecordHeader } from '../../../src/flow/intake.ts';
import { readLetter } from '../../../src/receivers/kafka/dead-letter-headers.ts';
import { DeadLetterTopic } from '../../../src/receivers/kafka/dead-letter-topic.ts';
import type { DeadLetter, DeadLetters } from '../../../src/receivers/kafka/dead-letters.ts';
import { FakeClock } from '../../flow/fake-clock.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function letter(offset: number, value = Buffer.from('bad')): DeadLetter {
  const record = { offset, timestampMs: 1, key: null, value };
  return { clusterId: 'c', topic: 't', partition: 5, reason: 'group', record };
}

function tooLarge(): Error {
  return Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' });
}

/** A topic that takes messages of `maxBytes` together; `fail` is asked before each request. */
function topic(settings: { maxBytes?: number; fail?: () => Error | undefined; folder?: DeadLetters } = {}) {
  const { maxBytes = Infinity, fail = () => undefined } = settings;
  const requests: Message[][] = [];
  const inFolder: number[] = [];
  const counted: string[] = [];
  let producers = 0;
  const producer = {
    connect: async () => void producers++,
    disconnect: async () => {},
    send: async ({ messages }: { messages: Message[] }) => {
      await Promise.resolve();
      const failure = fail();
      if (failure !== undefined) throw failure;
      const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      if (bytes > maxBytes) throw tooLarge();
      requests.push(messages);
    },
  };
  const admin = {
    connect: async () => {},
    disconnect: async () => {},
    listTopics: async () => ['dead'],
    describeConfigs: async () => ({ resources: [] }),
  };
  const kafka = { producer: () => producer, admin: () => admin } as unknown as Kafka;
  const folder = settings.folder ?? {
    prepare: async () => {},
    put: async ({ record }) => void inFolder.push(record.offset),
    stop: async () => {},
  };
  const letters = new DeadLetterTopic(kafka, 'dead', {
    clock: new FakeClock(),
    log: quiet,
    version: '1.2.3',
    folder,
    tooLarge: (place) => ({ add: () => void counted.push(place) }),
  });
  return { letters, requests, inFolder, counted, producers: () => producers };
}

function offsets(messages: readonly Message[] | undefined): (number | undefined)[] {
  return (messages ?? []).map((message) => {
    const headers = message.headers as unknown as RecordHeader[];
    return readLetter({ offset: 0, timestampMs: 0, key: null, value: null, headers })?.position.offset;
  });
}

it('sends letters that come together in one request, in order, to the partition of their number', async () => {
  const { letters, requests } = topic();
  await Promise.all([1, 2, 3].map((offset) => letters.put(letter(offset))));
  expect(requests.map(offsets)).toEqual([[1, 2, 3]]);
  expect(requests[0]?.map(({ partition }) => partition)).toEqual([5, 5, 5]);
});

it('sends at most 256 letters or half a mebibyte at a time', async () => {
  const many = topic();
  await Promise.all(Array.from({ length: 600 }, (_, offset) => many.letters.put(letter(offset))));
  expect(many.requests.map((request) => request.length)).toEqual([256, 256, 88]);
  const large = topic();
  const value = Buffer.alloc(300_000);
  await Promise.all([1, 2, 3].map((offset) => large.letters.put(letter(offset, value))));
  expect(large.requests.map(offsets)).toEqual([[1], [2], [3]]);
});

it('sends letters that are too large together one by one', async () => {
  const { letters, requests, inFolder } = topic({ maxBytes: 100 });
  const value = Buffer.alloc(60);
  await Promise.all([1, 2].map((offset) => letters.put(letter(offset, value))));
  expect(requests.map(offsets)).toEqual([[1], [2]]);
  expect(inFolder).toEqual([]);
});

it('leaves out a value that is too large, tells its size and hash, and puts the whole into the folder', async () => {
  const { letters, requests, inFolder, counted } = topic({ maxBytes: 2 });
  await letters.put(letter(9, Buffer.from('abc')));
  const [message] = requests[0] ?? [];
  expect(message?.value).toBeNull();
  const headers = message?.headers as unknown as RecordHeader[];
  expect(readLetter({ offset: 0, timestampMs: 0, key: null, value: null, headers })).toMatchObject({
    reason: 'group',
    omitted: {
      bytes: 3,
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      place: 'folder',
    },
  });
  expect(inFolder).toEqual([9]);
  expect(counted).toEqual(['folder']);
});

it('does not try values of more than 8 MiB on the topic', async () => {
  const { letters, requests, inFolder } = topic();
  await letters.put(letter(1, Buffer.alloc((8 << 20) + 1)));
  expect(requests[0]?.[0]?.value).toBeNull();
  expect(inFolder).toEqual([1]);
});

it('says that only the source has the value when the folder can not be written, and goes on', async () => {
  const folder: DeadLetters = {
    prepare: async () => {},
    put: () => Promise.reject(new Error('disk full')),
    stop: async () => {},
  };
  const { letters, requests, counted } = topic({ maxBytes: 2, folder });
  await letters.put(letter(1, Buffer.alloc(10)));
  expect(requests).toHaveLength(1);
  expect(counted).toEqual(['source']);
});

it('takes a new producer after a failure, which may have broken the numbering', async () => {
  let isDown = true;
  const { letters, requests, producers } = topic({
    fail: () => (isDown ? new Error('socket hang up') : undefined),
  });
  await expect(letters.put(letter(1))).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'backoff' });
  isDown = false;
  await letters.put(letter(1));
  expect(requests.map(offsets)).toEqual([[1]]);
  expect(producers()).toBe(2);
});

it('sends what waits before it stops', async () => {
  const { letters, requests } = topic();
  const put = letters.put(letter(1));
  await letters.stop();
  await put;
  expect(requests.map(offsets)).toEqual([[1]]);
});
