import { describe, expect, it } from 'vitest';
import { COLUMN, layout } from '../../../src/extensions/overview-page/assets/graph-layout.js';

type Pair = readonly [client: string, server: string];

/** The column of each node. */
function columnsOf(pairs: readonly Pair[]): Record<string, number> {
  const names = pairs.flat();
  const edges = pairs.map(([client, server]) => ({ client, server }));
  const { places } = layout(names, edges) as { places: Map<string, { x: number; y: number }> };
  return Object.fromEntries([...places].map(([name, { x }]) => [name, x / COLUMN]));
}

describe('the layout of the service graph', () => {
  it('puts callers left of whom they call', () => {
    expect(
      columnsOf([
        ['user', 'frontend'],
        ['frontend', 'cart'],
        ['frontend', 'checkout'],
        ['checkout', 'cart'],
        ['cart', 'db'],
      ]),
    ).toEqual({ user: 0, frontend: 1, checkout: 2, cart: 3, db: 4 });
  });

  it('copes with circles, with calls to oneself and with nothing', () => {
    expect(
      columnsOf([
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
        ['c', 'c'],
      ]),
    ).toEqual({ a: 0, b: 1, c: 2 });
    expect(
      columnsOf([
        ['x', 'y'],
        ['y', 'x'],
      ]),
    ).toEqual({ x: 0, y: 1 });
    expect(columnsOf([])).toEqual({});
  });

  it('gives every node a place of its own, the same whatever the order of the edges', () => {
    const pairs: Pair[] = Array.from({ length: 60 }, (_, i) => [`s${i % 12}`, `s${(i * 7 + 1) % 30}`]);
    const edges = pairs.map(([client, server]) => ({ client, server }));
    const one = layout(pairs.flat(), edges);
    const other = layout(pairs.flat().reverse(), [...edges].reverse());
    expect(Object.fromEntries(other.places)).toEqual(Object.fromEntries(one.places));
    const places = [...one.places.values()].map(({ x, y }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(one.places.size);
  });

  it('draws a chain of ten thousand without running out of stack', () => {
    const edges = Array.from({ length: 10_000 }, (_, i) => ({ client: `n${i}`, server: `n${i + 1}` }));
    expect(layout(['n0', ...edges.map(({ server }) => server)], edges).places.size).toBe(10_001);
  });
});
