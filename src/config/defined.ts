import type { ComponentType } from '../flow/component-type.ts';
import { checkValue, foundAt, unknownKey } from './check-value.ts';
import { didYouMean, listed } from './nearest.ts';
import { keyPositionOf, type MapNode, nodeAt } from './node.ts';
import type { Problem } from './problem.ts';

/** A section of the file per kind of component. */
export const SECTIONS = {
  receivers: 'receiver',
  processors: 'processor',
  connectors: 'connector',
  exporters: 'exporter',
  extensions: 'extension',
} as const;

export type Section = keyof typeof SECTIONS;

export const SECTION_NAMES = Object.keys(SECTIONS) as Section[];

/** What a file defines, whether or not a pipeline uses it. */
export interface DefinedComponent {
  readonly id: string;
  /** Undefined when nobody knows the type: then that has been said already. */
  readonly type: ComponentType | undefined;
  /** Undefined when it is wrong: then that has been said already. */
  readonly config: unknown;
}

export type Defined = Readonly<Record<Section, ReadonlyMap<string, DefinedComponent>>>;

/** Reads the five sections of components. */
export function readComponents(root: MapNode, table: readonly ComponentType[], problems: Problem[]): Defined {
  const known = [...SECTION_NAMES, 'service'];
  for (const key of root.entries.keys()) {
    if (!known.includes(key)) problems.push(unknownKey(root, [key], known));
  }
  const read = (section: Section): Map<string, DefinedComponent> =>
    readSection(root, section, table, problems);
  return {
    receivers: read('receivers'),
    processors: read('processors'),
    connectors: read('connectors'),
    exporters: read('exporters'),
    extensions: read('extensions'),
  };
}

function readSection(
  root: MapNode,
  section: Section,
  table: readonly ComponentType[],
  problems: Problem[],
): Map<string, DefinedComponent> {
  const components = new Map<string, DefinedComponent>();
  const node = nodeAt(root, [section]);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return components;
  if (node.kind !== 'map') {
    const message = `found ${foundAt(root, [section])}, expected a map of ${section} by their ids`;
    problems.push({ at: node.at, path: [section], message });
    return components;
  }
  const types = table.filter((type) => type.kind === SECTIONS[section]);
  for (const id of node.entries.keys()) {
    const path = [section, id];
    const type = typeOf(id, types);
    if (typeof type === 'string') problems.push({ at: keyPositionOf(root, path), path, message: type });
    const config = typeof type === 'string' ? undefined : checkValue({ root, path }, type.config, problems);
    components.set(id, { id, type: typeof type === 'string' ? undefined : type, config });
  }
  return components;
}

/** The type of a component id, or what is wrong with the id. */
function typeOf(id: string, types: readonly ComponentType[]): ComponentType | string {
  const [, name = ''] = /^([^/]*)/.exec(id) ?? [];
  if (!/^[A-Za-z][A-Za-z0-9_]*(\/.*\S)?$/.test(id) || /^[^/]*\/\s/.test(id)) {
    return `found "${id}", expected type or type/name`;
  }
  const found = types.find((type) => type.type === name || type.aliases?.includes(name));
  if (found !== undefined) return found;
  const names = types.map((type) => type.type).sort();
  const aliases = types.flatMap((type) => type.aliases ?? []);
  const choice = names.length === 0 ? 'nothing here' : `one of ${listed(names, 20)}`;
  return `found the unknown type "${name}", expected ${choice}${didYouMean(name, [...names, ...aliases])}`;
}
