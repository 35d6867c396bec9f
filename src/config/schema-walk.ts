import { globalRegistry, type ZodType } from 'zod';
import { child, type Node, type Path } from './node.ts';

/** The parts of a zod definition that are looked at here, whatever the type. */
export interface Definition {
  readonly type: string;
  readonly innerType?: ZodType;
  readonly in?: ZodType;
  readonly out?: ZodType;
  readonly shape?: Readonly<Record<string, ZodType>>;
  readonly element?: ZodType;
  readonly valueType?: ZodType;
  readonly options?: readonly ZodType[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
  readonly defaultValue?: unknown;
  readonly getter?: () => ZodType;
}

/** A schema without what is wrapped around it, and what the wrappings say. */
export interface Unwrapped {
  readonly schema: ZodType;
  readonly definition: Definition;
  /** A null that a user writes is handed to the schema. */
  readonly nullable: boolean;
  /** May be left out. */
  readonly optional: boolean;
  /** As a user would write it; undefined when there is none. */
  readonly initial: unknown;
  readonly description: string | undefined;
  readonly instead: string | undefined;
  /** What the reference calls the type; undefined = what zod says. */
  readonly typeName: string | undefined;
}

const WRAPPINGS = new Set([
  'optional',
  'default',
  'prefault',
  'nullable',
  'readonly',
  'nonoptional',
  'catch',
]);

export function definitionOf(schema: ZodType): Definition {
  return schema.def as unknown as Definition;
}

export function unwrap(wrapped: ZodType): Unwrapped {
  let schema = wrapped;
  let nullable = false;
  let optional = false;
  let initial: unknown;
  let description: string | undefined;
  let instead: string | undefined;
  let typeName: string | undefined;
  for (;;) {
    const meta = globalRegistry.get(schema);
    description ??= meta?.description;
    instead ??= meta?.instead as string | undefined;
    typeName ??= meta?.typeName as string | undefined;
    const definition = definitionOf(schema);
    if (definition.type === 'nullable') nullable = true;
    if (definition.type === 'optional') optional = true;
    if (definition.type === 'default' || definition.type === 'prefault') {
      optional = true;
      initial ??= definition.defaultValue;
    }
    const next = inner(definition);
    if (next === undefined) {
      return { schema, definition, nullable, optional, initial, description, instead, typeName };
    }
    schema = next;
  }
}

function inner(definition: Definition): ZodType | undefined {
  if (WRAPPINGS.has(definition.type)) return definition.innerType;
  if (definition.type === 'lazy') return definition.getter?.();
  if (definition.type !== 'pipe') return undefined;
  const first = definition.in;
  return first !== undefined && definitionOf(first).type === 'transform' ? definition.out : first;
}

/** The schemas that a value at this key has to satisfy (several where a union stands). */
export function childSchemas(schema: ZodType, key: string | number): ZodType[] {
  const { definition } = unwrap(schema);
  if (definition.options !== undefined) return definition.options.flatMap((one) => childSchemas(one, key));
  if (definition.shape !== undefined) {
    const found = definition.shape[key];
    return found === undefined ? [] : [found];
  }
  const element = definition.element ?? definition.valueType;
  return element === undefined ? [] : [element];
}

/** Names that a map at `path` may hold. */
export function keysAt(schema: ZodType, path: Path): string[] {
  let schemas = [schema];
  for (const key of path) schemas = schemas.flatMap((one) => childSchemas(one, key));
  return [...new Set(schemas.flatMap(keysOf))];
}

function keysOf(schema: ZodType): string[] {
  const { definition } = unwrap(schema);
  return definition.options === undefined
    ? Object.keys(definition.shape ?? {})
    : definition.options.flatMap(keysOf);
}

/**
 * A node as the value that the schema is asked about. As in the collector, a null means an empty map where
 * a map belongs, and elsewhere the same as if the key were not there.
 */
export function plainValue(
  node: Node | undefined,
  schemas: readonly ZodType[],
  texts: ReadonlySet<Node>,
): unknown {
  if (node === undefined) return undefined;
  if (node.kind === 'list') {
    return node.items.map((item, index) =>
      plainValue(
        item,
        schemas.flatMap((schema) => childSchemas(schema, index)),
        texts,
      ),
    );
  }
  if (node.kind === 'map') {
    const plain = Object.create(null) as Record<string, unknown>;
    for (const [key, { value }] of node.entries) {
      const given = plainValue(
        value,
        schemas.flatMap((schema) => childSchemas(schema, key)),
        texts,
      );
      if (given !== undefined || !schemas.some((schema) => keysOf(schema).includes(key))) plain[key] = given;
    }
    return plain;
  }
  if (typeof node.value === 'string' && schemas.some(takesList) && !schemas.some(takesText)) {
    return splitList(node.value);
  }
  if (node.value !== null) return texts.has(node) ? node.text : node.value;
  if (schemas.some(takesNull)) return null;
  return schemas.some(takesMap) ? {} : undefined;
}

function takesNull(schema: ZodType): boolean {
  const { nullable, definition } = unwrap(schema);
  return nullable || definition.type === 'null' || (definition.options?.some(takesNull) ?? false);
}

function takesMap(schema: ZodType): boolean {
  const { definition } = unwrap(schema);
  if (definition.type === 'object' || definition.type === 'record') return true;
  return definition.options?.some(takesMap) ?? false;
}

function takesList(schema: ZodType): boolean {
  const { definition } = unwrap(schema);
  return definition.type === 'array' || (definition.options?.some(takesList) ?? false);
}

function takesText(schema: ZodType): boolean {
  const { definition } = unwrap(schema);
  return definition.type === 'string' || (definition.options?.some(takesText) ?? false);
}

/** As in the collector, text where a list belongs is split at its commas: `brokers: ${env:KAFKA_BROKERS}`. */
export function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

export interface Treated {
  readonly path: Path;
  readonly instead: string;
}

/** Options that the user has set although they are treated otherwise. */
export function treatedOtherwise(node: Node, schema: ZodType, path: Path = []): Treated[] {
  const { instead, definition } = unwrap(schema);
  if (instead !== undefined && path.length > 0) return [{ path, instead }];
  if (definition.options !== undefined) {
    return definition.options.flatMap((option) => treatedOtherwise(node, option, path));
  }
  const keys = node.kind === 'map' ? [...node.entries.keys()] : node.kind === 'list' ? node.items.keys() : [];
  return [...keys].flatMap((key) => {
    const value = child(node, key) as Node;
    return childSchemas(schema, key).flatMap((one) => treatedOtherwise(value, one, [...path, key]));
  });
}
