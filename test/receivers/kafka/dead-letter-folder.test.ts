import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DeadLetterFolder, readLetterFile } from '../../../src/receivers/kafka/dead-letter-folder.ts';
import type { DeadLetter } from '../../../src/receivers/kafka/dead-letters.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';

function letter(offset: number, value = Buffer.from('bad')): DeadLetter {
  return {
    clusterId: 'c1',
    topic: 'spans',
    partition: 3,
    reason: 'malformed',
    record: {
      offset,
      timestampMs: 1700,
      key: Buffer.from('k'),
      value,
      headers: [{ key: 'h', value: Buffer.from('1') }],
    },
  };
}

function folder(directory: string, maxBytes = 1 << 20) {
  let deleted = 0;
  const counter = {
    add(n: number): void {
      deleted += n;
    },
  };
  const clock = new FakeClock();
  const letters = new DeadLetterFolder({
    directory,
    maxBytes,
    lane: 0,
    clock,
    version: '9.9.9',
    deleted: counter,
  });
  return { letters, deleted: () => deleted };
}

it('writes one file per position with everything that was in the record', async () => {
  const directory = join(tempDirOfTest(), 'made', 'on demand');
  await folder(directory).letters.put(letter(42));
  expect(readdirSync(directory)).toEqual(['spans-3-42.json']);
  expect(JSON.parse(readFileSync(join(directory, 'spans-3-42.json'), 'utf8'))).toEqual({
    cluster: 'c1',
    topic: 'spans',
    partition: 3,
    offset: 42,
    timestamp_ms: 1700,
    reason: 'malformed',
    put_aside_ms: 1_700_000_000_000,
    version: '9.9.9',
    key: 'aw==',
    value: 'YmFk',
    value_bytes: 3,
    headers: [{ key: 'h', value: 'MQ==' }],
  });
});

it('has a record that comes twice once', async () => {
  const directory = tempDirOfTest();
  const { letters } = folder(directory);
  await Promise.all([letters.put(letter(1)), letters.put(letter(1))]);
  expect(readdirSync(directory)).toEqual(['spans-3-1.json']);
});

it('deletes the oldest to stay within its bound, and counts them', async () => {
  const directory = tempDirOfTest();
  const { letters, deleted } = folder(directory, 1000);
  for (let offset = 0; offset < 10; offset++) await letters.put(letter(offset));
  const left = readdirSync(directory).sort();
  expect(left).toContain('spans-3-9.json');
  expect(left).not.toContain('spans-3-0.json');
  expect(deleted() + left.length).toBe(10);
  const bytes = left.reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0);
  expect(bytes).toBeLessThanOrEqual(1000);
});

it('keeps where a record stood when its value is larger than the folder may be', async () => {
  const directory = tempDirOfTest();
  await folder(directory, 1000).letters.put(letter(7, Buffer.alloc(5000)));
  const kept = JSON.parse(readFileSync(join(directory, 'spans-3-7.json'), 'utf8')) as object;
  expect(kept).toMatchObject({ offset: 7, value_bytes: 5000 });
  expect(kept).not.toHaveProperty('value');
});

it('says that the folder can not be written, as something to try again', async () => {
  const file = join(tempDirOfTest(), 'a file');
  writeFileSync(file, '');
  const { letters } = folder(join(file, 'folder'));
  await expect(letters.put(letter(1))).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'backoff' });
});

it('is read back as it was put, also a value that is written in pieces', async () => {
  const directory = tempDirOfTest();
  const value = Buffer.alloc(2_000_000, 'piece by piece ');
  await folder(directory, 1 << 22).letters.put(letter(5, value));
  const found = readLetterFile(readFileSync(join(directory, 'spans-3-5.json'), 'utf8'));
  expect(value.equals(found?.value ?? Buffer.alloc(0))).toBe(true);
  expect({ ...found, value: undefined }).toEqual({
    position: { clusterId: 'c1', topic: 'spans', partition: 3, offset: 5 },
    lastOffset: undefined,
    reason: 'malformed',
    timestampMs: 1700,
    putAside: { atMs: 1_700_000_000_000, version: '9.9.9' },
    key: Buffer.from('k'),
    value: undefined,
    headers: [{ key: 'h', value: Buffer.from('1') }],
    omitted: undefined,
  });
});

it('does not take every file for a letter', () => {
  expect(readLetterFile('{"topic": "spans"}')).toBeUndefined();
  expect(readLetterFile('half a fi')).toBeUndefined();
});
