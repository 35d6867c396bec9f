import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml';
import { type Entry, mapNode, type Node, type Position } from './node.ts';
import type { Problem } from './problem.ts';

/** More nodes than any configuration has: what a bomb of aliases would unfold to. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 100;

/** Reads YAML into nodes that know their places. What can't be read is reported and left out. */
export function readYaml(text: string, source: string, problems: Problem[], fixed?: Position): Node {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const place = (offset: number): Position => {
    if (fixed !== undefined) return fixed;
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const error = document.errors[0];
  if (error !== undefined) {
    // What follows a syntax error is mostly its echo.
    const at = place(error.pos[0]);
    problems.push({ at, path: [], message: yamlMessage(error, text), fatal: true });
  }
  const reader = new Reader(document, place, problems);
  return reader.read(document.contents, place(0), 0);
}

function yamlMessage({ code, message, pos }: YAMLParseError, text: string): string {
  if (code === 'TAB_AS_INDENT') return 'found a tab, expected spaces as indentation';
  if (text[pos[0] - 1] === '$')
    return `found \${...} inside { } or [ ], expected it in quotes there: "\${...}"`;
  return `not valid YAML: ${message}`;
}

class Reader {
  readonly #document: Document;
  readonly #place: (offset: number) => Position;
  readonly #problems: Problem[];
  #nodes = 0;

  constructor(document: Document, place: (offset: number) => Position, problems: Problem[]) {
    this.#document = document;
    this.#place = place;
    this.#problems = problems;
  }

  read(item: unknown, around: Position, depth: number): Node {
    const range = (item as { range?: readonly number[] | null } | null)?.range;
    const at = range?.[0] === undefined ? around : this.#place(range[0]);
    if (++this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      if (this.#nodes === MAX_NODES + 1 || depth > MAX_DEPTH)
        this.#report(at, 'too large or too deeply nested');
      return { kind: 'scalar', at, value: null };
    }
    if (isAlias(item)) return this.read(item.resolve(this.#document), at, depth + 1);
    if (isSeq(item)) {
      return { kind: 'list', at, items: item.items.map((one) => this.read(one, at, depth + 1)) };
    }
    if (isMap(item)) {
      return this.#map(item, at, depth);
    }
    return { kind: 'scalar', at, value: isScalar(item) ? plainScalar(item.value) : null };
  }

  #map(map: YAMLMap, at: Position, depth: number): Node {
    const entries = new Map<string, Entry>();
    const own = new Set<string>();
    for (const { key, value } of map.items) {
      if (!isScalar(key)) {
        this.#report(at, 'found a key that is not plain text');
        continue;
      }
      const keyAt = key.range ? this.#place(key.range[0]) : at;
      const node = this.read(value, keyAt, depth + 1);
      if (key.value === '<<') {
        this.#mergeKey(entries, node, keyAt);
        continue;
      }
      const name = String(key.value);
      if (own.has(name)) this.#report(keyAt, `found the key "${name}" a second time`);
      own.add(name);
      entries.set(name, { at: keyAt, value: node });
    }
    return mapNode(at, entries);
  }

  #mergeKey(entries: Map<string, Entry>, node: Node, at: Position): void {
    for (const merged of node.kind === 'list' ? node.items : [node]) {
      if (merged.kind !== 'map') this.#report(at, 'found something else than a map to merge with <<');
      else for (const [name, entry] of merged.entries) if (!entries.has(name)) entries.set(name, entry);
    }
  }

  #report(at: Position, message: string): void {
    this.#problems.push({ at, path: [], message });
  }
}

function plainScalar(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'bigint' ? Number(value) : null;
}
