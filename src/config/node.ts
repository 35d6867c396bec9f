/** Where something stands. `line` 0 = the source has no lines (a --set argument). */
export interface Position {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** A configuration value that knows where it was written, through merging and expansion. */
export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: 'map';
  readonly at: Position;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Of the key. */
  readonly at: Position;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly Node[];
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly at: Position;
  readonly value: string | number | boolean | null;
  /** What an expansion gave, before YAML read it as a number or the like: an option of text wants this. */
  readonly text?: string;
}

export type Path = readonly (string | number)[];

export function mapNode(at: Position, entries: Iterable<readonly [string, Entry]> = []): MapNode {
  return { kind: 'map', at, entries: new Map(entries) };
}

/** Maps merge, everything else (lists and null too) replaces, as in the collector. */
export function merge(below: Node, above: Node): Node {
  if (below.kind !== 'map' || above.kind !== 'map') return above;
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) {
    const covered = entries.get(key);
    entries.set(
      key,
      covered === undefined ? entry : { at: entry.at, value: merge(covered.value, entry.value) },
    );
  }
  return { kind: 'map', at: above.at, entries };
}

export function child(node: Node | undefined, key: string | number): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key))?.value;
  if (node?.kind === 'list') return node.items[Number(key)];
  return undefined;
}

export function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const key of path) node = child(node, key);
  return node;
}

/** Position of the value at `path`; of the key that should have held it, when there is no such value. */
export function positionOf(root: Node, path: Path): Position {
  let node: Node = root;
  let at = root.at;
  for (const [depth, key] of path.entries()) {
    const next = child(node, key);
    if (next === undefined) return at;
    const keyAt = node.kind === 'map' ? node.entries.get(String(key))?.at : undefined;
    at = depth === path.length - 1 ? next.at : (keyAt ?? next.at);
    node = next;
  }
  return at;
}

/** Position of the key at the end of `path`. */
export function keyPositionOf(root: Node, path: Path): Position {
  const parent = nodeAt(root, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.at ?? positionOf(root, path);
}
