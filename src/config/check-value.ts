import type { ZodType, z } from 'zod';
import { didYouMean, listed } from './nearest.ts';
import { keyPositionOf, type Node, nodeAt, type Path, positionOf } from './node.ts';
import type { Problem } from './problem.ts';
import { keysAt, plainValue } from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

/** Where a value stands in the whole configuration. */
export interface Spot {
  readonly root: Node;
  readonly path: Path;
}

/**
 * Parses the value at the spot. `undefined` when it is wrong; the problems then say all that is wrong.
 * A number that came out of an expansion is given as text where text is wanted.
 */
export function checkValue<T>(spot: Spot, schema: ZodType<T>, problems: Problem[]): T | undefined {
  const node = nodeAt(spot.root, spot.path);
  const texts = new Set<Node>();
  for (;;) {
    const plain = node === undefined ? {} : (plainValue(node, [schema], texts) ?? {});
    const result = schema.safeParse(plain);
    if (result.success) return result.data;
    const before = texts.size;
    for (const issue of result.error.issues)
      for (const path of pathsOf(issue, [])) readAsText(node, path, texts);
    if (texts.size > before) continue;
    for (const issue of result.error.issues) problems.push(...problemsOf(issue, spot, schema));
    return undefined;
  }
}

function pathsOf(issue: Issue, around: Path): Path[] {
  const path = [...around, ...(issue.path as Path)];
  if (issue.code !== 'invalid_union') return [path];
  return [path, ...issue.errors.flatMap((branch) => branch.flatMap((one) => pathsOf(one, path)))];
}

function readAsText(node: Node | undefined, path: Path, texts: Set<Node>): void {
  const wrong = node && nodeAt(node, path);
  if (wrong?.kind === 'scalar' && wrong.text !== undefined) texts.add(wrong);
}

function problemsOf(issue: Issue, spot: Spot, schema: ZodType): Problem[] {
  const path = [...spot.path, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path as Path);
    const said = DEFAULT_TEXT.test(issue.message) ? '' : `${issue.message}: `;
    return issue.keys.map((key) => {
      const problem = unknownKey(spot.root, [...path, key], known);
      return { ...problem, message: said + problem.message };
    });
  }
  if (issue.code === 'invalid_union') {
    const branch = closest(issue);
    if (branch !== undefined) {
      return branch.flatMap((one) =>
        problemsOf({ ...one, path: [...issue.path, ...one.path] }, spot, schema),
      );
    }
  }
  return [{ at: positionOf(spot.root, path), path, message: describe(issue, spot.root, path) }];
}

/** A key that nobody knows. */
export function unknownKey(root: Node, path: Path, known: readonly string[]): Problem {
  const key = String(path.at(-1));
  const guess = didYouMean(key, known);
  const choice = known.length === 0 ? 'nothing here' : `one of ${listed(known)}`;
  return { at: keyPositionOf(root, path), path, message: `found "${key}", expected ${choice}${guess}` };
}

/** The branch of a union that the user meant: one that got past the outermost type. */
function closest(issue: Issue & { code: 'invalid_union' }): readonly Issue[] | undefined {
  const entered = issue.errors.filter(
    (branch) => !branch.some((one) => one.path.length === 0 && /^invalid_(type|value)$/.test(one.code)),
  );
  return entered.sort((a, b) => a.length - b.length)[0];
}

/** zod's own texts; what a schema says itself is kept. */
const DEFAULT_TEXT = /^(Invalid|Too |Unrecognized|Required)/;

function describe(issue: Issue, root: Node, path: Path): string {
  const found = foundAt(root, path);
  const ours = DEFAULT_TEXT.test(issue.message) ? undefined : issue.message;
  if (ours !== undefined) return ours.startsWith('expected') ? `found ${found}, ${ours}` : ours;
  const node = nodeAt(root, path);
  const guess =
    issue.code === 'invalid_value' && node?.kind === 'scalar'
      ? didYouMean(String(node.value), issue.values.map(String))
      : '';
  return `found ${found}, expected ${expected(issue)}${guess}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  null: 'nothing',
};

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? `a ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1
        ? shown(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'more than', Number(issue.minimum));
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'less than', Number(issue.maximum));
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex' ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((branch) => branch.slice(0, 1).map(expected)))].join(' or ');
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'unrecognized_keys':
      return 'another value';
  }
}

function bound(origin: string, words: string, limit: number): string {
  if (origin === 'string') return `${words} ${limit} characters`;
  if (origin === 'array' || origin === 'set') return `${words} ${limit} entries`;
  return `${words} ${limit}`;
}

const SECRET = /password|secret|token|credential/i;

/** What stands there, short enough for one line; never a secret. */
export function foundAt(root: Node, path: Path): string {
  const node = nodeAt(root, path);
  if (node === undefined) return 'nothing';
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list';
  if (node.value === null) return 'nothing';
  return path.some((key) => SECRET.test(String(key))) ? 'something else' : shown(node.text ?? node.value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}..."` : text;
}
