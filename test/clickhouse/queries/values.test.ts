import { expect, test } from 'vitest';
import { parseQuery } from '../../../src/clickhouse/queries/query-file.ts';
import { bindQuery } from '../../../src/clickhouse/queries/run-query.ts';
import { bindValues } from '../../../src/clickhouse/queries/values.ts';

const NOW_MS = Date.parse('2026-05-01T12:00:05Z');
const NOW_S = NOW_MS / 1000;
const CONTEXT = {
  nowMs: NOW_MS,
  kept: { span_metrics_10s: 259_200, span_metrics_1m: 3_024_000, span_metrics_1h: 0, span_metrics_1d: 0 },
};

const EVERYTHING = parseQuery(
  'everything',
  `-- title: All kinds
-- about: One of each,
--   over two lines.
-- param name (text): a text
-- param share (number = 0.5): a number
-- param limit (count = 10): a count
-- param at (time = 1h): a time
-- param step (duration = 30s): whole seconds
-- param longer (duration = 0): any length
-- param order (up|down = up): a choice
SELECT {name:String}, {share:Float64}, {limit:UInt64}, {at:DateTime}, {step:UInt32}, {longer:Float64}, {order:String}
`,
);

test('a header says what a query tells and takes', () => {
  expect(EVERYTHING).toMatchObject({ title: 'All kinds', about: 'One of each, over two lines.' });
  expect(EVERYTHING.parameters[6]).toEqual({
    name: 'order',
    kind: 'choice',
    choices: ['up', 'down'],
    initial: 'up',
    about: 'a choice',
    type: 'String',
  });
});

test.each([
  ['SELECT 1', 'expected a header'],
  ['-- title: a\nSELECT 1', 'title and about'],
  ['-- title: a\n-- about: b\nSELECT {x:String}', 'no param says what x is'],
  ['-- title: a\n-- about: b\n-- parm x (text): c\nSELECT {x:String}', 'what is "parm x'],
])('%j is no query', (text, message) => {
  expect(() => parseQuery('bad', text)).toThrow(message);
});

test('values are given to ClickHouse as seconds, numbers and texts', () => {
  expect(Object.fromEntries(bindValues(EVERYTHING, { name: "it's" }, NOW_MS))).toEqual({
    name: "it's",
    share: 0.5,
    limit: 10,
    at: NOW_S - 3600,
    step: 30,
    longer: 0,
    order: 'up',
  });
});

test.each([
  ['at', '2026-04-30', Date.parse('2026-04-30') / 1000],
  ['at', '2026-05-01 13:30:00+02:00', Date.parse('2026-05-01T11:30:00Z') / 1000],
  ['at', '30d', NOW_S - 30 * 86_400],
  ['at', 'now', NOW_S],
  ['step', '1d', 86_400],
  ['longer', '250ms', 0.25],
])('%s=%s is %d', (name, text, value) => {
  expect(bindValues(EVERYTHING, { name: 'n', [name]: text }, NOW_MS).get(name)).toBe(value);
});

test.each([
  [{}, 'everything needs name: a text'],
  [{ name: 'n', share: 'half' }, 'share "half": expected a number'],
  [{ name: 'n', limit: '-1' }, 'limit "-1": expected a whole number'],
  [{ name: 'n', at: 'yesterday' }, 'at "yesterday": expected a time such as'],
  [{ name: 'n', step: '1.5s' }, 'step "1.5s": expected a duration such as 30s'],
  [{ name: 'n', longer: '1 s' }, 'longer "1 s": expected a duration such as 250ms'],
  [{ name: 'n', order: 'left' }, 'order "left": expected one of up, down'],
])('%j is refused', (given, message) => {
  expect(() => bindValues(EVERYTHING, given, NOW_MS)).toThrow(message);
});

const RED = parseQuery(
  'red',
  `-- title: RED
-- about: RED rows.
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param step (duration = auto): length of a step
-- param versus (duration = 1d): how long before
SELECT {from:DateTime}, {to:DateTime}, {step:UInt32} FROM {{SPAN_METRICS}} UNION ALL SELECT 1, 2, 3 FROM {{SPAN_METRICS versus}}
`,
);

test('RED rows come from tables, and from and to are what was read', () => {
  const { sql, values } = bindQuery(RED, {}, CONTEXT, 'db');
  expect(values).toEqual({ from: NOW_S - 3605, to: NOW_S - 5, step: 30 });
  const noon = NOW_S - 5;
  expect(
    sql.match(/FROM `db`.span_metrics_\w+ WHERE Ts >= toDateTime\(\d+\) AND Ts < toDateTime\(\d+\)/g),
  ).toEqual([
    `FROM \`db\`.span_metrics_10s WHERE Ts >= toDateTime(${noon - 3600}) AND Ts < toDateTime(${noon})`,
    `FROM \`db\`.span_metrics_10s WHERE Ts >= toDateTime(${noon - 3600 - 86_400}) AND Ts < toDateTime(${noon - 86_400})`,
  ]);
  expect(sql).not.toContain('{{');
});

test.each([
  [{ from: '1h', to: '2h' }, 'from has to come before to'],
  [{ step: '15s' }, 'step 15 s: expected a multiple of 10 s'],
  [{ from: '10d', step: '30s' }, 'expected a multiple of 60 s'],
  [{ step: '0' }, 'step 0 s'],
])('%j can not be read from the tables', (given, message) => {
  expect(() => bindQuery(RED, given, CONTEXT, 'db')).toThrow(message);
});

const TOTAL = parseQuery(
  'total',
  `-- title: A total
-- about: RED rows without steps.
-- param from (time = 30d): where to begin
-- param to (time = now): where to end
SELECT {from:DateTime}, {to:DateTime}, sum(Calls) FROM {{SPAN_METRICS}}
`,
);

/** What is read, as `1d 2026-04-01T00:00 2026-05-02T00:00`, and what the query is told. */
function readBy(given: Readonly<Record<string, string>>): { reads: string[]; from: string; to: string } {
  const { sql, values } = bindQuery(TOTAL, given, CONTEXT, 'db');
  const text = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString().slice(5, 19);
  const reads = sql.split('UNION ALL').flatMap((part) => {
    const table = /span_metrics_(\w+) WHERE/.exec(part)?.[1];
    const bounds = [...part.matchAll(/Ts >= toDateTime\((\d+)\) AND Ts < toDateTime\((\d+)\)/g)];
    return bounds.map(([, from, to]) => `${table} ${text(from)} ${text(to)}`);
  });
  reads.sort((a, b) => a.slice(a.indexOf(' ')).localeCompare(b.slice(b.indexOf(' '))));
  return { reads, from: text(values['from']), to: text(values['to']) };
}

test('a range that is told roughly begins with a whole day, hour or minute, and ends with what there is', () => {
  expect(readBy({})).toEqual({
    reads: ['1d 04-01T00:00:00 05-02T00:00:00'],
    from: '04-01T00:00:00',
    to: '05-01T12:00:05',
  });
  expect(readBy({ from: '24h' })).toEqual({
    reads: ['1h 04-30T12:00:00 05-01T00:00:00', '1d 05-01T00:00:00 05-02T00:00:00'],
    from: '04-30T12:00:00',
    to: '05-01T12:00:05',
  });
  expect(readBy({ from: '30m' })).toMatchObject({ from: '05-01T11:30:00', to: '05-01T12:00:05' });
});

test('a short range, and one whose ends are told as times, is kept to 10 s', () => {
  expect(readBy({ from: '5m' })).toMatchObject({ from: '05-01T11:55:00', to: '05-01T12:00:00' });
  expect(readBy({ from: '2026-04-29T03:04:50Z', to: '2026-05-01T11:59:47Z' })).toEqual({
    reads: [
      '10s 04-29T03:04:50 04-29T03:05:00',
      '1m 04-29T03:05:00 04-29T04:00:00',
      '1h 04-29T04:00:00 04-30T00:00:00',
      '1d 04-30T00:00:00 05-01T00:00:00',
      '1h 05-01T00:00:00 05-01T11:00:00',
      '1m 05-01T11:00:00 05-01T11:59:00',
      '10s 05-01T11:59:00 05-01T11:59:40',
    ],
    from: '04-29T03:04:50',
    to: '05-01T11:59:40',
  });
});
