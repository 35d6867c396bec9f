import { toError } from '../base/errors.ts';
import type { MapNode, Node, Path, Position, ScalarNode } from './node.ts';
import type { Problem } from './problem.ts';
import { readYaml } from './read-yaml.ts';
import { type ConfigEnvironment, readText } from './sources.ts';

/** Expansions inside expansions; a variable that names itself ends here. */
const MAX_DEPTH = 16;

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:path}` and `${yaml:text}` in values;
 * `$$` stands for one `$`. A value that is one expansion becomes what YAML makes of it (a number, a map, ...).
 */
export function expand(
  root: MapNode,
  environment: ConfigEnvironment,
  problems: Problem[],
  warnings: Problem[],
): MapNode {
  const expander = new Expander(environment, problems, warnings);
  return expander.node(root, [], 0) as MapNode;
}

interface Place {
  readonly at: Position;
  readonly path: Path;
  readonly depth: number;
}

class Expander {
  readonly #environment: ConfigEnvironment;
  readonly #problems: Problem[];
  readonly #warnings: Problem[];

  constructor(environment: ConfigEnvironment, problems: Problem[], warnings: Problem[]) {
    this.#environment = environment;
    this.#problems = problems;
    this.#warnings = warnings;
  }

  node(node: Node, path: Path, depth: number): Node {
    if (node.kind === 'map') {
      const entries = [...node.entries].map(
        ([key, { at, value }]) => [key, { at, value: this.node(value, [...path, key], depth) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    if (node.kind === 'list') {
      return { ...node, items: node.items.map((item, index) => this.node(item, [...path, index], depth)) };
    }
    return this.#scalar(node, path, depth);
  }

  #scalar(node: ScalarNode, path: Path, depth: number): Node {
    const { value, at } = node;
    if (typeof value !== 'string' || !value.includes('$')) return node;
    const place = { at, path, depth };
    if (value.startsWith('${') && closing(value, 2) === value.length - 1) {
      const text = this.#resolve(this.#text(value.slice(2, -1), place), place);
      return text === undefined ? { kind: 'scalar', at, value: null } : this.#whole(text, place);
    }
    return { kind: 'scalar', at, value: this.#text(value, place) };
  }

  /** A value that is nothing but one expansion. */
  #whole(text: string, place: Place): Node {
    if (place.depth >= MAX_DEPTH) return { kind: 'scalar', at: place.at, value: text };
    const broken: Problem[] = [];
    const read = readYaml(text, place.at.source, broken, place.at);
    const node: Node = broken.length > 0 ? { kind: 'scalar', at: place.at, value: text } : read;
    const expanded = this.node(node, place.path, place.depth + 1);
    if (expanded.kind !== 'scalar' || typeof expanded.value === 'string') return expanded;
    return { ...expanded, text };
  }

  #text(value: string, place: Place): string {
    let result = '';
    let from = 0;
    for (;;) {
      const dollar = value.indexOf('$', from);
      if (dollar < 0 || dollar === value.length - 1) return result + value.slice(from);
      result += value.slice(from, dollar);
      const next = value[dollar + 1];
      const end = next === '{' ? closing(value, dollar + 2) : -1;
      if (end >= 0) {
        const text = this.#resolve(this.#text(value.slice(dollar + 2, end), place), place) ?? '';
        const deeper = { ...place, depth: place.depth + 1 };
        result += place.depth < MAX_DEPTH ? this.#text(text, deeper) : text;
        from = end + 1;
      } else {
        result += '$';
        from = dollar + (next === '$' ? 2 : 1);
      }
    }
  }

  #resolve(expression: string, place: Place): string | undefined {
    if (place.depth >= MAX_DEPTH) {
      return this.#report(place, `\${${expression}} contains itself`);
    }
    const [, scheme = 'env', rest = expression] =
      /^([A-Za-z][A-Za-z0-9+.]+):(?!-)(.*)$/s.exec(expression) ?? [];
    if (scheme === 'env') return this.#variable(rest, place);
    if (scheme === 'yaml') return rest;
    if (scheme !== 'file') {
      return this.#report(
        place,
        `found \${${scheme}:...}, expected \${env:NAME}, \${file:path} or \${yaml:text}`,
      );
    }
    try {
      return readText(rest, this.#environment);
    } catch (error) {
      return this.#report(place, `\${file:${rest}} can't be read: ${toError(error).message}`);
    }
  }

  #variable(expression: string, place: Place): string | undefined {
    const split = expression.indexOf(':-');
    const name = split < 0 ? expression : expression.slice(0, split);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return this.#report(place, `found \${${expression}}, expected the name of an environment variable`);
    }
    const text = this.#environment.variables[name];
    if (text !== undefined) return text;
    if (split >= 0) return expression.slice(split + 2);
    const { at, path } = place;
    this.#warnings.push({ at, path, message: `the environment variable ${name} is not set, taken as empty` });
    return undefined;
  }

  #report({ at, path }: Place, message: string): undefined {
    this.#problems.push({ at, path, message });
  }
}

/** Index of the `}` that closes what begins at `from`, with `${...}` inside skipped; -1 when there is none. */
function closing(value: string, from: number): number {
  let open = 1;
  for (let i = from; i < value.length; i++) {
    if (value[i] === '$' && value[i + 1] === '{') open++;
    else if (value[i] === '}' && --open === 0) return i;
  }
  return -1;
}
