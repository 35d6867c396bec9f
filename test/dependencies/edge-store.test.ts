import { expect, test } from 'vitest';
import { type Edge, EdgeStore } from '../../src/dependencies/edge-store.ts';
import { HALF, type HalfEdges, KEY_WORDS, NO_PARTY } from '../../src/dependencies/half-edges.ts';

interface Half {
  readonly key: number;
  readonly flags?: number;
}

function halves(...list: readonly Half[]): HalfEdges {
  const keys = new Uint32Array(list.length * KEY_WORDS);
  list.forEach(({ key }, i) => {
    keys[i * KEY_WORDS + 5] = key;
  });
  return {
    rows: list.length,
    keys,
    party: new Uint32Array(list.length),
    peer: new Uint32Array(list.length).fill(NO_PARTY),
    durationNs: new Float64Array(list.length).fill(1),
    weight: new Float64Array(list.length).fill(1),
    flags: Uint8Array.from(list, ({ flags = 0 }) => flags),
    firstNewParty: 0,
    newParties: [],
  };
}

const PARTIES = new Uint32Array([5]);

function storeOf(options: Partial<{ ttlMs: number; maxItems: number; seed: number }> = {}) {
  const edges: Edge[] = [];
  const store = new EdgeStore({ ttlMs: 100, maxItems: 1e6, seed: 7, ...options }, (edge) => {
    edges.push({ ...edge });
  });
  return { store, edges };
}

test('a hundred thousand waiting clients all find their servers, through every growth of the ring', () => {
  const { store, edges } = storeOf();
  const all = Array.from({ length: 100_000 }, (_, key) => ({ key }));
  // So that the ring's beginning is not its first place when it grows.
  store.add(halves({ key: 2 ** 31 }), PARTIES, -200);
  store.expire(0);
  edges.length = 0;
  store.add(halves(...all), PARTIES, 0);
  store.add(halves(...all.map(({ key }) => ({ key, flags: HALF.server }))), PARTIES, 50);
  expect(edges).toHaveLength(100_000);
  expect(edges.every(({ connection }) => connection === 0)).toBe(true);
  store.expire(1000);
  expect(edges).toHaveLength(100_000);
  expect(store.size).toBe(0);
  expect(store.tally).toEqual({ edges: 100_001, expired: 1, dropped: 0 });
});

test('halves expire in the order in which they came, none before its time', () => {
  const { store, edges } = storeOf();
  store.add(halves({ key: 1 }), PARTIES, 0);
  store.add(halves({ key: 2 }, { key: 3, flags: HALF.server }), PARTIES, 60);
  store.expire(99);
  expect(edges).toHaveLength(0);
  store.expire(100);
  expect(edges).toHaveLength(1);
  store.expire(160);
  expect(edges).toHaveLength(2);
  expect(store.tally.expired).toBe(3);
});

test('a client that comes after the ttl of its server does not find it any more', () => {
  const { store, edges } = storeOf();
  store.add(halves({ key: 1, flags: HALF.server }), PARTIES, 0);
  store.expire(100);
  store.add(halves({ key: 1 }), PARTIES, 101);
  expect(edges).toHaveLength(0);
});

test('the same client span once more changes nothing', () => {
  const { store, edges } = storeOf();
  store.add(halves({ key: 1 }, { key: 1 }, { key: 1, flags: HALF.server }), PARTIES, 0);
  store.expire(1000);
  expect(edges).toHaveLength(1);
});
