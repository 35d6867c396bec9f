/**
 * Where nodes stand: callers to the left of whom they call, each as far left as it may be. Calls in a circle are
 * drawn backwards. Pure: the same graph gives the same picture, whatever order it comes in.
 */

export const COLUMN = 300;
const ROW = 62;
const SWEEPS = 4;

/** @returns places by name, and the size of the whole */
export function layout(names, edges) {
  const sorted = [...new Set(names)].sort(byText);
  const forward = withoutCircles(sorted, edges);
  const columns = columnsOf(sorted, forward);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(columns, forward, sweep % 2 === 0);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const places = new Map();
  columns.forEach((column, x) => {
    const offset = ((tallest - column.length) * ROW) / 2;
    column.forEach((name, y) => {
      places.set(name, { x: x * COLUMN, y: offset + y * ROW });
    });
  });
  return { places, width: Math.max(1, columns.length) * COLUMN, height: tallest * ROW };
}

function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Callees by caller, without the calls that close a circle. */
function withoutCircles(names, edges) {
  const callees = new Map(names.map((name) => [name, []]));
  for (const { client, server } of edges) if (client !== server) callees.get(client)?.push(server);
  for (const list of callees.values()) list.sort(byText);
  const called = new Set(edges.map(({ server }) => server));
  const starts = [...names.filter((name) => !called.has(name)), ...names];
  const forward = new Map(names.map((name) => [name, []]));
  const state = new Map();
  for (const start of starts) {
    if (state.has(start)) continue;
    // Depth first without recursion: graphs may be deep.
    const stack = [{ name: start, next: 0 }];
    state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack.at(-1);
      const callee = callees.get(top.name)[top.next++];
      if (callee === undefined) {
        state.set(top.name, 'done');
        stack.pop();
        continue;
      }
      if (state.get(callee) === 'open' || !callees.has(callee)) continue;
      forward.get(top.name).push(callee);
      if (state.has(callee)) continue;
      state.set(callee, 'open');
      stack.push({ name: callee, next: 0 });
    }
  }
  return forward;
}

/** The longest way from a node that nobody calls is its column. */
function columnsOf(names, forward) {
  const waiting = new Map(names.map((name) => [name, 0]));
  for (const list of forward.values())
    for (const callee of list) waiting.set(callee, waiting.get(callee) + 1);
  const column = new Map(names.map((name) => [name, 0]));
  const ready = names.filter((name) => waiting.get(name) === 0);
  for (const name of ready) {
    for (const callee of forward.get(name)) {
      column.set(callee, Math.max(column.get(callee), column.get(name) + 1));
      waiting.set(callee, waiting.get(callee) - 1);
      if (waiting.get(callee) === 0) ready.push(callee);
    }
  }
  const last = Math.max(0, ...column.values());
  return Array.from({ length: last + 1 }, (_, i) => names.filter((name) => column.get(name) === i));
}

/** Puts each node at the mean height of its neighbours: fewer lines cross. */
function order(columns, forward, isDown) {
  const neighbours = new Map(columns.flat().map((name) => [name, []]));
  for (const [name, list] of forward) {
    for (const callee of list) {
      if (isDown) neighbours.get(callee).push(name);
      else neighbours.get(name).push(callee);
    }
  }
  const height = new Map();
  for (const column of columns)
    column.forEach((name, i) => void height.set(name, i - (column.length - 1) / 2));
  for (const column of isDown ? columns : [...columns].reverse()) {
    const wish = new Map(
      column.map((name) => {
        const near = neighbours.get(name);
        const sum = near.reduce((all, other) => all + height.get(other), 0);
        return [name, near.length > 0 ? sum / near.length : height.get(name)];
      }),
    );
    column.sort((a, b) => wish.get(a) - wish.get(b) || (a < b ? -1 : 1));
    column.forEach((name, i) => void height.set(name, i - (column.length - 1) / 2));
  }
}
