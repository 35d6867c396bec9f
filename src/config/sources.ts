import { readFileSync } from 'node:fs';
import { toError } from '../base/errors.ts';
import { type Entry, type MapNode, mapNode, merge, type Node, type Position } from './node.ts';
import type { Problem } from './problem.ts';
import { readYaml } from './read-yaml.ts';

/** As given on the command line, each in its order; `sets` come after all `configs`. */
export interface ConfigSources {
  /** A path, `file:path`, `env:NAME` or `yaml:text`. */
  readonly configs: readonly string[];
  /** `a.b.c=value`. */
  readonly sets?: readonly string[];
}

/** What a configuration may read while it is loaded. */
export interface ConfigEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
}

export function readText(path: string, environment: ConfigEnvironment): string {
  return environment.readFile === undefined ? readFileSync(path, 'utf8') : environment.readFile(path);
}

/** Reads and merges every source; what can't be read is reported and left out. */
export function readSources(
  sources: ConfigSources,
  environment: ConfigEnvironment,
  problems: Problem[],
): MapNode {
  let root: MapNode = mapNode({ source: sources.configs[0] ?? 'configuration', line: 1, column: 1 });
  const parts = [
    ...sources.configs.map((uri) => readSource(uri, environment, problems)),
    ...(sources.sets ?? []).map((set) => readSet(set, problems)),
  ];
  for (const part of parts) {
    if (part.kind === 'map') root = merge(root, part) as MapNode;
    else if (part.kind === 'list' || part.value !== null) {
      problems.push({
        at: part.at,
        path: [],
        message: 'expected a map with receivers, exporters, service, ...',
      });
    }
  }
  return root;
}

function readSource(uri: string, environment: ConfigEnvironment, problems: Problem[]): Node {
  const match = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(uri);
  const scheme = match?.[1] ?? 'file';
  const rest = match?.[2] ?? uri;
  const start: Position = { source: scheme === 'file' ? rest : uri.slice(0, 60), line: 1, column: 1 };
  const nothing = (message: string): Node => {
    problems.push({ at: { ...start, line: 0 }, path: [], message, fatal: true });
    return mapNode(start);
  };
  if (scheme === 'yaml') return splitKeys(readYaml(rest, 'yaml', problems));
  if (scheme === 'env') {
    const text = environment.variables[rest];
    if (text === undefined) return nothing(`the environment variable ${rest} is not set`);
    return splitKeys(readYaml(text, uri, problems));
  }
  if (scheme === 'file') {
    let text: string;
    try {
      text = readText(rest, environment);
    } catch (error) {
      return nothing(`can't be read: ${toError(error).message}`);
    }
    return splitKeys(readYaml(text, rest, problems));
  }
  return nothing(`found the scheme "${scheme}", expected a path, file:, env: or yaml:`);
}

/** `a::b: v` at the top stands for `a: {b: v}`. */
function splitKeys(node: Node): Node {
  if (node.kind !== 'map') return node;
  let result: Node = mapNode(node.at);
  for (const [key, entry] of node.entries) result = merge(result, nested(key.split('::'), entry));
  return result;
}

function nested(keys: readonly string[], entry: Entry): Node {
  const [first = '', ...rest] = keys;
  const value = rest.length === 0 ? entry.value : nested(rest, entry);
  return mapNode(entry.at, [[first, { at: entry.at, value }]]);
}

function readSet(set: string, problems: Problem[]): Node {
  const equals = set.indexOf('=');
  const key = equals < 0 ? set : set.slice(0, equals);
  const at: Position = { source: `--set ${key}`, line: 0, column: 0 };
  const keys = key.split(key.includes('::') ? '::' : '.');
  if (equals < 0 || keys.includes('')) {
    problems.push({ at, path: [], message: `found "${key}", expected a.b.c=value` });
    return mapNode(at);
  }
  return nested(keys, { at, value: readYaml(set.slice(equals + 1), at.source, problems, at) });
}
