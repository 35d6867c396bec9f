import { describe, expect, it } from 'vitest';
import { textOfValue, writeValue } from '../../src/span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor, EVENTS_OF_SPAN, VALUE } from '../../src/span/attributes.ts';
import { ByteSink } from '../../src/span/byte-sink.ts';
import { EventCursor, LinkCursor } from '../../src/span/event-cursors.ts';
import { NONE } from '../../src/span/span-batch.ts';
import { type Attributes, type AttributeValue, double, encodeSpan } from '../support/spans.ts';

/** Stands before the first attribute of a span that has these. */
function cursorOver(attributes: Attributes): AttributeCursor {
  const bytes = encodeSpan({ attributes, events: [{ timeNs: 1n, name: 'e' }] });
  const cursor = new AttributeCursor();
  cursor.reset(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
  return cursor;
}

const keyOf = ({ bytes, keyAt, keyLength }: AttributeCursor): string =>
  Buffer.from(bytes).toString('utf8', keyAt, keyAt + keyLength);

function textOf(value: AttributeValue): string {
  const cursor = cursorOver({ key: value });
  expect(cursor.next()).toBe(true);
  const sink = new ByteSink(1);
  sink.ascii('>');
  writeValue(cursor, sink);
  const text = textOfValue(cursor);
  expect(sink.written().toString('utf8')).toBe(`>${text}`);
  return text;
}

/** A length-delimited field of fewer than 128 bytes. */
const field = (number: number, content: readonly number[]): number[] => [
  number * 8 + 2,
  content.length,
  ...content,
];

/** `value` inside `levels` arrays, as AnyValue bytes. */
function nested(levels: number): Uint8Array {
  let bytes: Uint8Array = Buffer.from([0x10, 0x01]);
  for (let i = 0; i < levels; i++) {
    const array = wrap(1, bytes);
    bytes = wrap(5, array);
  }
  return wrap(9, Buffer.concat([Buffer.from([0x0a, 0x00]), wrap(2, bytes)]));
}

function wrap(number: number, bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  while (rest >= 128) {
    length.push((rest & 127) | 128);
    rest >>= 7;
  }
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
}

describe('AttributeCursor', () => {
  it('walks all attributes in order and skips the fields between', () => {
    const first = encodeSpan({ attributes: { a: 'x' } });
    const second = encodeSpan({ attributes: { b: 2, c: true } });
    const cursor = new AttributeCursor();
    const bytes = Buffer.concat([first, second]);
    cursor.reset(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
    const seen: [string, number, string][] = [];
    while (cursor.next()) seen.push([keyOf(cursor), cursor.valueKind, textOfValue(cursor)]);
    expect(seen).toEqual([
      ['a', VALUE.string, 'x'],
      ['b', VALUE.int, '2'],
      ['c', VALUE.bool, 'true'],
    ]);
    expect(cursor.malformed).toBe(false);
    expect(cursor.next()).toBe(false);
  });

  it('gives numbers as numbers and ranges as ranges', () => {
    const cursor = cursorOver([
      ['i', -7n],
      ['d', 0.25],
      ['b', true],
      ['s', 'text'],
      ['n', null],
    ]);
    const next = (): number => {
      cursor.next();
      return cursor.numeric;
    };
    expect([next(), next(), next()]).toEqual([-7, 0.25, 1]);
    cursor.next();
    const { bytes, valueAt, valueLength } = cursor;
    expect(Buffer.from(bytes).toString('latin1', valueAt, valueAt + valueLength)).toBe('text');
    cursor.next();
    expect([cursor.valueKind, cursor.valueLength, cursor.numeric]).toEqual([VALUE.empty, 0, 0]);
  });

  it('finds a key by its bytes, first occurrence first', () => {
    const cursor = cursorOver([
      ['http.route', '/a'],
      ['other', 'x'.repeat(300)],
      ['http.routf', '/b'],
      ['http.route', '/c'],
    ]);
    const key = Buffer.from('http.route');
    expect([cursor.find(key), textOfValue(cursor)]).toEqual([true, '/a']);
    expect([cursor.find(key), textOfValue(cursor)]).toEqual([true, '/c']);
    expect([cursor.find(key), cursor.malformed]).toEqual([false, false]);
  });

  it('finds keys in pairs that are written in an unusual way', () => {
    const pair = [...field(2, field(1, [0x76])), ...field(1, [0x6b]), ...field(1, [0x6b, 0x32])];
    const bytes = Uint8Array.from([...field(9, pair), ...field(9, []), ...field(9, field(2, []))]);
    const cursor = new AttributeCursor();
    cursor.reset(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
    expect([cursor.find(Buffer.from('k2')), textOfValue(cursor)]).toEqual([true, 'v']);
    expect([cursor.find(Buffer.from('')), textOfValue(cursor)]).toEqual([true, '']);
  });

  it.each([
    ['a length beyond the range', [0x4a, 0x05, 0x0a]],
    ['a key beyond its pair', field(9, [0x0a, 0x09])],
    ['a value of a wrong type', field(9, field(2, [0x08, 0x01]))],
    ['a group', [0x4b, 0x4c]],
    ['a double that ends too early', field(9, field(2, [0x21, 1, 2]))],
  ])('ends with malformed at %s', (_, damage) => {
    const bytes = Uint8Array.from([...field(9, field(1, [0x6b])), ...damage, ...field(9, field(1, [0x6c]))]);
    const cursor = new AttributeCursor();
    cursor.reset(bytes, 0, bytes.length - 5, ATTRIBUTES_OF.span);
    expect(cursor.next()).toBe(true);
    expect([cursor.next(), cursor.malformed, cursor.next()]).toEqual([false, true, false]);
    cursor.reset(bytes, 0, 5, ATTRIBUTES_OF.span);
    expect([cursor.malformed, cursor.next()]).toEqual([false, true]);
  });
});

/** What pdata's Value.AsString of collector v1.61.0 printed for the same values. */
describe('the text of a value', () => {
  it.each<[AttributeValue, string]>([
    ['as it is <&> "', 'as it is <&> "'],
    ['ünï\u2028', 'ünï\u2028'],
    ['', ''],
    [true, 'true'],
    [false, 'false'],
    [0, '0'],
    [-1n, '-1'],
    [2n ** 53n + 1n, '9007199254740993'],
    [2n ** 63n - 1n, '9223372036854775807'],
    [-(2n ** 63n), '-9223372036854775808'],
    [double(0), '0'],
    [double(-0), '-0'],
    [double(1), '1'],
    [1.5, '1.5'],
    [1e-6, '0.000001'],
    [9.99e-7, '9.99e-7'],
    [1e-7, '1e-7'],
    [1.234e-10, '1.234e-10'],
    [double(1e20), '100000000000000000000'],
    [double(1e21), '1e+21'],
    [double(1.5e300), '1.5e+300'],
    [5e-324, '5e-324'],
    [123456789.125, '123456789.125'],
    [-2.5e-9, '-2.5e-9'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [double(Number.MAX_VALUE), '1.7976931348623157e+308'],
    [Buffer.from([251, 255]), '+/8='],
    [null, ''],
    [[], '[]'],
    [{}, '{}'],
    [[double(-0), 1e-7, 5], '[-0,1e-7,5]'],
    [['a', [true, null], {}], '["a",[true,null],{}]'],
    [[Number.NaN], ''],
    [{ a: [1, { b: Number.POSITIVE_INFINITY }] }, ''],
  ])('of %o is %j', (value, expected) => expect(textOf(value)).toBe(expected));

  it('of a map has sorted keys and escapes as Go does without HTML', () => {
    const map = {
      b: '<a&b>"\\\n\u2028\u0001\u007f\b\f\t',
      a: null,
      z: -(2n ** 63n),
      '😀': double(1e21),
      '～': 0.5,
      c: true,
      bytes: Buffer.from([0, 255, 16]),
      s: ['x', null, {}],
    };
    expect(textOf(map)).toBe(
      '{"a":null,"b":"<a&b>\\"\\\\\\n\\u2028\\u0001\u007f\\b\\f\\t","bytes":"AP8Q","c":true,' +
        '"s":["x",null,{}],"z":-9223372036854775808,"～":0.5,"😀":1e+21}',
    );
  });

  it('ends at 64 levels', () => {
    const text = (levels: number): string => {
      const bytes = nested(levels);
      const cursor = new AttributeCursor();
      cursor.reset(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
      cursor.next();
      return textOfValue(cursor);
    };
    expect(text(64)).toBe(`${'['.repeat(64)}true${']'.repeat(64)}`);
    expect(text(65)).toBe(`${'['.repeat(64)}null${']'.repeat(64)}`);
    expect(text(10_000)).toBe(`${'['.repeat(64)}null${']'.repeat(64)}`);
  });
});

describe('EventCursor and LinkCursor', () => {
  const bytes = encodeSpan({
    events: [
      { timeNs: 1_700_000_000_000_000_001n, name: 'exception', attributes: { 'exception.type': 'Oops' } },
      { timeNs: 0n, name: '' },
    ],
    links: [
      { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceState: 'a=b', attributes: { n: 1 } },
      { traceId: 'ab', spanId: '' },
    ],
  });
  const attributes = new AttributeCursor();

  it('walk events with their attributes', () => {
    const events = new EventCursor();
    events.reset(bytes, 0, bytes.length);
    expect(events.next()).toBe(true);
    expect([events.timeHi, events.timeLo]).toEqual([0x17979cfe, 0x362a0001]);
    expect(bytes.toString('utf8', events.nameAt, events.nameAt + events.nameLength)).toBe('exception');
    attributes.reset(bytes, events.messageAt, events.messageEnd, ATTRIBUTES_OF.event);
    expect([attributes.next(), keyOf(attributes), textOfValue(attributes)]).toEqual([
      true,
      'exception.type',
      'Oops',
    ]);
    expect(attributes.next()).toBe(false);
    expect([events.next(), events.timeHi, events.timeLo, events.nameLength]).toEqual([true, 0, 0, 0]);
    expect([events.next(), events.malformed]).toEqual([false, false]);
  });

  it('walk links with their attributes', () => {
    const links = new LinkCursor();
    links.reset(bytes, 0, bytes.length);
    expect(links.next()).toBe(true);
    expect(bytes.toString('hex', links.traceIdAt, links.traceIdAt + 16)).toBe('ab'.repeat(16));
    expect(bytes.toString('hex', links.spanIdAt, links.spanIdAt + 8)).toBe('cd'.repeat(8));
    expect(bytes.toString('utf8', links.traceStateAt, links.traceStateAt + links.traceStateLength)).toBe(
      'a=b',
    );
    attributes.reset(bytes, links.messageAt, links.messageEnd, ATTRIBUTES_OF.link);
    expect([attributes.next(), textOfValue(attributes)]).toEqual([true, '1']);
    expect([links.next(), links.traceIdAt, links.spanIdAt]).toEqual([true, NONE, NONE]);
    expect(links.next()).toBe(false);
  });

  it('end with malformed where the bytes break', () => {
    const broken = Uint8Array.from(field(EVENTS_OF_SPAN, [0x09, 1, 2]));
    const events = new EventCursor();
    events.reset(broken, 0, broken.length);
    expect([events.next(), events.malformed]).toEqual([false, true]);
  });
});
