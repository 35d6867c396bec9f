import { expect, test } from 'vitest';
import { openScreen } from '../../../src/app/commands/screen.ts';
import { afterKey, frame, type View } from '../../../src/app/commands/top/frame.ts';
import { topCommand } from '../../../src/app/commands/top/top.ts';
import { systemClock } from '../../../src/base/clock.ts';

const quiet = (): void => undefined;
const never = new AbortController().signal;
const VIEW: View = { service: undefined, rows: 'services', sort: 'rate' };
const TABLE = {
  columns: [
    { name: 'service', type: 'LowCardinality(String)' },
    { name: 'calls_per_s', type: 'Float64' },
    { name: 'errors_per_s', type: 'Float64' },
    { name: 'error_share', type: 'Float64' },
    { name: 'p50_ms', type: 'Float64' },
    { name: 'p95_ms', type: 'Float64' },
    { name: 'p99_ms', type: 'Float64' },
    { name: 'seconds', type: 'Int64' },
  ],
  rows: [
    ['frontend', 120.016667, 2.4, 0.019997, 25.164, 402.623, 1798.298, '60'],
    ['a', 0, 0, 0, 0, 0, 0, '60'],
  ],
  serverMs: 3,
};
const SHOWN = {
  view: VIEW,
  table: TABLE,
  windowText: '1m',
  untilMs: Date.parse('2026-05-01T12:10:00Z'),
  problem: undefined,
};

test('a picture has a heading and few columns', () => {
  expect(frame(SHOWN)).toEqual([
    'services by rate, 1m until 12:10:00 UTC',
    '',
    'service   calls/s  errors/s  errors %  p50 ms  p95 ms  p99 ms',
    'frontend   120.02      2.40      2.00    25.2   402.6  1798.3',
    'a            0.00      0.00      0.00     0.0     0.0     0.0',
  ]);
});

test('what was seen last stays while ClickHouse does not answer', () => {
  const lines = frame({ ...SHOWN, problem: 'connect ECONNREFUSED' });
  expect(lines[1]).toBe('ClickHouse does not answer: connect ECONNREFUSED');
  expect(lines[4]).toContain('frontend');
  expect(frame({ ...SHOWN, table: undefined }).at(-1)).toBe('asking ...');
  expect(frame({ ...SHOWN, table: { ...TABLE, rows: [] } }).at(-1)).toBe('no spans');
});

test('keys sort, change what the rows are, and leave', () => {
  expect(afterKey(VIEW, 'p')).toEqual({ ...VIEW, sort: 'p95' });
  expect(afterKey(VIEW, 's')).toEqual({ ...VIEW, sort: 'error_share' });
  expect(afterKey(VIEW, 'o')).toEqual({ ...VIEW, rows: 'operations' });
  expect(afterKey({ ...VIEW, service: 'frontend' }, 'o')).toBeUndefined();
  expect(afterKey(VIEW, 'q')).toBe('quit');
  expect(afterKey(VIEW, '\x03')).toBe('quit');
  expect(afterKey(VIEW, 'x')).toBeUndefined();
});

/** A terminal that notes what happens to it. */
function terminal() {
  const happened: string[] = [];
  let listener: ((data: Buffer) => void) | undefined;
  const input = {
    setRawMode: (raw: boolean) => happened.push(`raw ${raw}`),
    resume: () => happened.push('resume'),
    pause: () => happened.push('pause'),
    on: (_: 'data', heard: (data: Buffer) => void) => {
      listener = heard;
    },
    off: () => {
      listener = undefined;
    },
  };
  const output = { columns: 5, rows: 2, write: (text: string) => happened.push(text) };
  return { input, output, happened, press: (keys: string) => listener?.(Buffer.from(keys)) };
}

test('a screen cuts what does not fit, and gives the terminal back', () => {
  const { input, output, happened, press } = terminal();
  const screen = openScreen(input, output);
  const keys: string[] = [];
  screen.onKey((key) => keys.push(key));
  press('rp');
  screen.show(['too long', 'b', 'too many']);
  screen.close();
  press('q');
  expect(keys).toEqual(['r', 'p']);
  expect(happened).toEqual([
    'raw true',
    'resume',
    '\x1b[?1049h\x1b[?25l',
    '\x1b[Htoo l\x1b[K\r\nb\x1b[K\x1b[J',
    'raw false',
    'pause',
    '\x1b[?25h\x1b[?1049l',
  ]);
});

test('a server that is away is told on the screen, and q leaves', async () => {
  const { input, output, happened, press } = terminal();
  const wide = { ...output, columns: 100, rows: 10 };
  const io = { print: quiet, complain: quiet, progress: quiet, clock: systemClock };
  const values = { clickhouse: 'http://127.0.0.1:9', interval: '1h' };
  const write = (text: string): void => {
    happened.push(text);
    if (text.includes('does not answer')) press('q');
  };
  const run = topCommand.runWithout?.(
    { values, positionals: [] },
    { ...io, openScreen: () => openScreen(input, { ...wide, write }) },
    never,
  );
  expect(await run).toBe(0);
  expect(happened.at(-1)).toBe('\x1b[?25h\x1b[?1049l');
});

test.each([
  [{ sort: 'name' }, '--sort name: expected rate, errors, error_share, p95'],
  [{ kind: 'server' }, '--kind server: expected entry'],
  [{ window: '15s' }, '--window: expected a multiple of 10s'],
  [{ interval: 'often' }, '--interval often: expected a time'],
])('%j is a wrong command line', (values, message) => {
  const io = { print: quiet, complain: quiet, progress: quiet, clock: systemClock };
  expect(() => topCommand.runWithout?.({ values, positionals: [] }, io, never)).toThrow(message);
});
