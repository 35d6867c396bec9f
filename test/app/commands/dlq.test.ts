import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type CommandIo, EXIT, UsageError } from '../../../src/app/commands/command.ts';
import { dlqCommand } from '../../../src/app/commands/dlq.ts';
import { COMPONENTS } from '../../../src/app/components.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { DeadLetterFolder } from '../../../src/receivers/kafka/dead-letter-folder.ts';
import { retryHeaders } from '../../../src/receivers/kafka/dead-letter-headers.ts';
import type { DeadLetter } from '../../../src/receivers/kafka/dead-letters.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** The fake clock begins at 2023-11-14T22:13:20Z. */
const BEGIN = '2023-11-14T22:13:20.000Z';

function letter(offset: number, more: Partial<DeadLetter> = {}): DeadLetter {
  const record = { offset, timestampMs: 1_700_000_000_000, key: null, value: Buffer.from('{"a": 1}') };
  return { clusterId: 'c', topic: 'spans', partition: 3, reason: 'truncated', record, ...more };
}

/** A folder of letters, put aside a second after each other, and the command over it. */
async function folderOf(letters: readonly DeadLetter[]) {
  const directory = tempDirOfTest();
  const clock = new FakeClock();
  const deleted = { add: () => {} };
  const folder = new DeadLetterFolder({
    directory,
    maxBytes: 1 << 20,
    lane: 0,
    clock,
    version: '1.2.3',
    deleted,
  });
  for (const one of letters) {
    await folder.put(one);
    await clock.advance(1000);
  }
  const text = `
receivers: { kafka: { brokers: ['127.0.0.1:1'], dead_letter: { directory: ${JSON.stringify(directory)} } } }
exporters: { nop: {} }
service: { pipelines: { traces: { receivers: [kafka], exporters: [nop] } } }
`;
  const config = loadConfig({ configs: [`yaml:${text}`], sets: [] }, COMPONENTS, { variables: {} });
  if ('problems' in config) throw new Error(config.problems.join('\n'));
  const dlq = async (words: readonly string[], values: Record<string, string | boolean> = {}) => {
    const printed: string[] = [];
    const complaints: string[] = [];
    const io: CommandIo = {
      print: (line) => void printed.push(line),
      complain: (line) => void complaints.push(line),
      progress: () => {},
      clock,
      log: quiet,
    };
    const code = await dlqCommand.run(
      { positionals: words, values },
      config,
      io,
      new AbortController().signal,
    );
    return { code, printed, complaints };
  };
  return { directory, dlq };
}

it('lists letters, the newest first, with what a person has to know', async () => {
  const own = retryHeaders({
    headers: [],
    position: { clusterId: 'c', topic: 'spans', partition: 3, offset: 1 },
  });
  const again = { ...letter(9).record, headers: own };
  const { dlq, directory } = await folderOf([
    letter(1),
    letter(20, { reason: 'batch_corrupt', lastOffset: 39 }),
    letter(9, { record: again }),
  ]);
  expect(await dlq(['list'])).toEqual({
    code: EXIT.ok,
    complaints: [],
    printed: [
      'PUT ASIDE                 POSITION    REASON         BYTES',
      '2023-11-14T22:13:22.000Z  spans:3:9   truncated      8      failed again after 1 retry',
      '2023-11-14T22:13:21.000Z  spans:3:20  batch_corrupt  8      batch up to 39',
      `${BEGIN}  spans:3:1   truncated      8`,
      `3 dead letters in folder ${directory}`,
    ],
  });
});

it.each([
  [{ reason: 'batch_corrupt' }, ['spans:3:2']],
  [{ source: 'other' }, ['other:3:3']],
  [{ partition: '4' }, ['spans:4:4']],
  [{ since: '2023-11-14T22:13:21Z', until: '2023-11-14T22:13:22Z' }, ['other:3:3', 'spans:3:2']],
  [{ since: '2500ms' }, ['spans:4:4', 'other:3:3']],
  [{ limit: '1' }, ['spans:4:4']],
  [{ limit: '0' }, ['spans:4:4', 'other:3:3', 'spans:3:2', 'spans:3:1']],
])('lists what the filter %j leaves', async (filter, positions) => {
  const { dlq } = await folderOf([
    letter(1),
    letter(2, { reason: 'batch_corrupt' }),
    letter(3, { topic: 'other' }),
    letter(4, { partition: 4 }),
  ]);
  const { printed } = await dlq(['list'], { ...filter, json: true });
  expect(printed.map((line) => (JSON.parse(line) as { position: string }).position)).toEqual(positions);
});

it('says that there are none, also where there is no folder yet', async () => {
  const { dlq, directory } = await folderOf([]);
  expect(await dlq(['list'])).toMatchObject({
    code: 0,
    printed: [`No dead letters in folder ${directory}.`],
  });
});

it('passes over files that are not letters', async () => {
  const { dlq, directory } = await folderOf([letter(1)]);
  writeFileSync(join(directory, 'notes.json'), '{"half');
  utimesSync(join(directory, 'notes.json'), 0, 0);
  expect((await dlq(['list'], { json: true })).printed).toHaveLength(1);
});

it('shows one letter whole: what it is, what reading it says, its headers and bytes', async () => {
  const headers = [
    { key: 'tenant', value: Buffer.from('a') },
    { key: 'tenant', value: Buffer.from('\u001b[31m') },
    { key: 'none', value: null },
  ];
  const record = { ...letter(7).record, key: Buffer.from('k'), headers };
  const { dlq, directory } = await folderOf([letter(7, { record })]);
  const { code, printed } = await dlq(['show', 'spans:3:7']);
  expect(code).toBe(EXIT.ok);
  expect(printed).toEqual([
    'position    spans:3:7',
    'cluster     c',
    'reason      truncated',
    `record of   ${BEGIN}`,
    `put aside   ${BEGIN} by version 1.2.3`,
    `kept in     folder ${directory}`,
    'retries     0',
    'key         k',
    'value       8 bytes, from the letter',
    '            read as otlp_proto: refused, group',
    '            first broken rule of protobuf: group at byte 0 of 8, in field 15',
    "            it looks like JSON: the receiver's encoding may have to be otlp_json",
    'header      tenant = a',
    'header      tenant = 0x1b5b33316d',
    'header      none = null',
    '00000000  7b 22 61 22 3a 20 31 7d                          {"a": 1}',
  ]);
});

it('writes the value to a file and shows as many bytes as wanted', async () => {
  const { dlq, directory } = await folderOf([letter(7)]);
  const file = join(directory, 'value');
  const { printed } = await dlq(['show', 'spans:3:7'], { bytes: '2', save: file });
  expect(readFileSync(file, 'utf8')).toBe('{"a": 1}');
  expect(printed.slice(-2)).toEqual([
    '00000000  7b 22                                            {"',
    '... 6 more bytes (--bytes N, --save FILE)',
  ]);
});

it('fails when there is no letter at a position', async () => {
  const { dlq } = await folderOf([letter(7)]);
  expect(await dlq(['show', 'spans:3:8'])).toMatchObject({
    code: EXIT.failed,
    complaints: ['no dead letter at spans:3:8'],
  });
});

it('shows what a retry would produce, asks for --yes, and does not take whole batches', async () => {
  const { dlq } = await folderOf([letter(1), letter(2), letter(20, { lastOffset: 39 })]);
  const leftOut =
    'left out, whole record batches that could not be unpacked: spans:3:20 (show --save writes the bytes)';
  expect(await dlq(['retry'], { 'dry-run': true })).toEqual({
    code: EXIT.ok,
    complaints: [leftOut],
    printed: [
      'would produce spans:3:2 (truncated)',
      'would produce spans:3:1 (truncated)',
      'Would produce 2 records to spans.',
    ],
  });
  expect(await dlq(['retry', 'spans:3:1'])).toEqual({
    code: EXIT.usage,
    complaints: [
      'This produces 1 record to spans; whoever reads there gets them. Say --yes to do it, --dry-run to see them.',
    ],
    printed: [],
  });
});

it.each([
  [[], {}],
  [['delete'], {}],
  [['list', 'spans:3:1'], {}],
  [['show'], {}],
  [['show', 'spans'], {}],
  [['show', 'spans:3:1'], { yes: true }],
  [['retry'], { limit: '3' }],
  [['list'], { since: 'yesterday' }],
  [['list'], { receiver: 'kafka/other' }],
])('does not understand %j with %j', async (words, values) => {
  const { dlq } = await folderOf([]);
  await expect(dlq(words, values)).rejects.toThrow(UsageError);
});
