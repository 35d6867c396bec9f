import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DropCount, hasDroppedNothing } from '../../src/clickhouse/dropped-inserts.ts';

const BEFORE: DropCount = { server: 'a', startedS: 1000, uptimeS: 60, dropped: 3 };

test.each([
  ['nothing happened', BEFORE, true],
  [
    'it is some seconds later, by clocks that tick at different moments',
    { uptimeS: 65, startedS: 1001 },
    true,
  ],
  ['something was dropped', { dropped: 4 }, false],
  ['another server answers', { server: 'b' }, false],
  ['the server was started anew', { startedS: 1070, uptimeS: 2 }, false],
  ['the server was started anew, long enough ago', { startedS: 1070, uptimeS: 400 }, false],
  ['its clock was set', { startedS: 4600 }, false],
])('where %s', (_, change, isSure) => {
  expect(hasDroppedNothing(BEFORE, { ...BEFORE, ...change })).toBe(isSure);
});

test('a server that does not count, or has just been started, proves nothing', () => {
  expect(hasDroppedNothing(undefined, BEFORE)).toBe(false);
  expect(hasDroppedNothing(BEFORE, undefined)).toBe(false);
  const young = { ...BEFORE, uptimeS: 2 };
  expect(hasDroppedNothing(young, young)).toBe(false);
});

/** One table of a server that notes tokens before it puts parts in place, and may die in between. */
class Server {
  readonly #tokens = new Set<string>();
  readonly #parts = new Set<string>();
  #nowMs = 1_000_000;
  #startedMs = 990_000;
  #dropped = 0;

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  restart(): void {
    this.#nowMs += 300;
    this.#startedMs = this.#nowMs;
    this.#dropped = 0;
  }

  /** Dies before the part is in place; nobody gets an answer. */
  dieInserting(token: string): void {
    this.#tokens.add(token);
    this.restart();
  }

  insert(token: string): void {
    if (this.#tokens.has(token)) this.#dropped++;
    else this.#parts.add(token);
    this.#tokens.add(token);
  }

  has(token: string): boolean {
    return this.#parts.has(token);
  }

  count(): DropCount {
    const uptimeS = Math.floor((this.#nowMs - this.#startedMs) / 1000);
    return {
      server: 's',
      startedS: Math.floor(this.#nowMs / 1000) - uptimeS,
      uptimeS,
      dropped: this.#dropped,
    };
  }
}

const token = fc.constantFrom('a', 'b', 'c');
const event = fc.oneof(
  fc.record({ what: fc.constant('pass'), ms: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ what: fc.constantFrom('insert', 'dieInserting'), token }),
  fc.record({ what: fc.constant('restart') }),
);
type Event = { what: string; ms?: number; token?: string };

function happen(server: Server, events: readonly Event[]): void {
  for (const { ms = 0, token: which = '', what } of events) {
    if (what === 'pass') server.pass(ms);
    else if (what === 'restart') server.restart();
    else if (what === 'insert') server.insert(which);
    else server.dieInserting(which);
  }
}

test('whatever happened before, meanwhile and after, an insert that is believed is there', () => {
  const events = fc.array(event, { maxLength: 6 });
  let believed = 0;
  fc.assert(
    fc.property(events, events, events, token, (earlier, meanwhile, later, own) => {
      const server = new Server();
      happen(server, earlier);
      const before = server.count();
      happen(server, meanwhile);
      server.insert(own);
      happen(server, later);
      if (!hasDroppedNothing(before, server.count())) return;
      believed++;
      expect(server.has(own)).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(believed).toBeGreaterThan(20);
});
