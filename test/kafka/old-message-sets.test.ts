import { createRequire } from 'node:module';
import { crc32, crc32c } from '@node-rs/crc32';
import { expect, it } from 'vitest';
import { FetchedMessages } from '../../src/kafka/fetched-messages.ts';
import { KAFKAJS_VERSION, kafkaJs } from '../../src/kafka/kafkajs.ts';
import { isOldMessageSet } from '../../src/kafka/old-message-sets.ts';

const load = createRequire(import.meta.url);
kafkaJs();
/** As it stands in kafkajs' place once that is loaded. */
const decodeMessages = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js');
const Decoder = load('kafkajs/src/protocol/decoder');

/** What is made of one partition's part of a fetch response. */
async function decoded(records: Buffer): Promise<unknown> {
  return await decodeMessages(new Decoder(Buffer.concat([int32(records.length), records])));
}

/** One message of magic 0 with this value: offset, size, checksum, magic, attributes, key, value. */
function oldMessage(value: string): Buffer {
  const body = Buffer.concat([Buffer.from('0000ffffffff', 'hex'), int32(value.length), Buffer.from(value)]);
  const message = Buffer.concat([int32(crc32(body)), body]);
  return Buffer.concat([Buffer.alloc(8), int32(message.length), message]);
}

/** A record batch with one record (value "v") at offset 5. */
function batch(): Buffer {
  const content = Buffer.from(
    '0000' +
      '00000000' +
      '0000000000000000'.repeat(2) +
      'ffffffffffffffff' +
      'ffff' +
      'ffffffff' +
      '00000001' +
      '0e00000001027600',
    'hex',
  );
  const head = Buffer.concat([int32(0), Buffer.from([2]), int32(crc32c(content))]);
  return Buffer.concat([
    Buffer.from('0000000000000005', 'hex'),
    int32(head.length + content.length),
    head,
    content,
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

it('knows messages from before Kafka 0.11 by their checksum', () => {
  expect(KAFKAJS_VERSION).toBe('2.2.4');
  expect(isOldMessageSet(oldMessage('old'))).toBe(true);
  expect(isOldMessageSet(batch())).toBe(false);
  expect(isOldMessageSet(Buffer.alloc(0))).toBe(false);
});

it.each([0, 1])(
  'takes a record batch whose magic was damaged (%i) for a bad batch with its range',
  async (magic) => {
    const damaged = batch();
    damaged[16] = magic;
    const messages = await decoded(damaged);
    expect(messages).toBeInstanceOf(FetchedMessages);
    expect((messages as FetchedMessages).batches).toMatchObject([
      {
        baseOffset: 5,
        lastOffset: 5,
        records: [],
        trouble: { kind: 'malformed', message: `magic ${magic}` },
      },
    ]);
  },
);

it('still reads old messages', async () => {
  const old = oldMessage('old');
  const messages = await decoded(old);
  expect(messages).toMatchObject([{ offset: '0', value: Buffer.from('old') }]);
});
