import type { ZodType } from 'zod';
import { type Definition, unwrap } from './schema-walk.ts';

/** One option of a component, as the reference tells it. */
export interface Option {
  /** `traces.topics`, `dimensions[].name`, `headers.<name>`. */
  readonly name: string;
  readonly type: string;
  /** As a user would write it; '' when there is none. */
  readonly initial: string;
  readonly required: boolean;
  readonly description: string;
  readonly instead: string | undefined;
}

/** Every option of a schema, nested ones after the one that holds them (unless that is treated otherwise). */
export function optionsOf(schema: ZodType, prefix = ''): Option[] {
  const { definition } = unwrap(schema);
  if (definition.options !== undefined) {
    const all = definition.options.flatMap((one) => optionsOf(one, prefix));
    return [...new Map(all.map((option) => [option.name, option])).values()];
  }
  if (definition.shape !== undefined) {
    return Object.entries(definition.shape).flatMap(([key, value]) => {
      const name = prefix === '' ? key : `${prefix}.${key}`;
      const option = describeOption(name, value);
      return option.instead === undefined ? [option, ...optionsOf(value, name)] : [option];
    });
  }
  if (definition.element !== undefined) return optionsOf(definition.element, `${prefix}[]`);
  if (definition.valueType !== undefined) return optionsOf(definition.valueType, `${prefix}.<name>`);
  return [];
}

function describeOption(name: string, schema: ZodType): Option {
  const { initial, optional, description, instead } = unwrap(schema);
  const trivial =
    initial === undefined || (typeof initial === 'object' && Object.keys(initial ?? {}).length === 0);
  return {
    name,
    type: typeOf(schema),
    initial: trivial && !Array.isArray(initial) ? '' : written(initial),
    required: !optional,
    description: description ?? '',
    instead,
  };
}

/** A default in YAML's flow style. */
function written(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : value;
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  return JSON.stringify(value);
}

function typeOf(schema: ZodType): string {
  const { definition, typeName } = unwrap(schema);
  return typeName ?? plainType(definition);
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  int: 'whole number',
  boolean: 'true or false',
  object: 'map',
  record: 'map',
  unknown: 'anything',
  any: 'anything',
  null: 'nothing',
};

function plainType(definition: Definition): string {
  if (definition.options !== undefined) {
    return [...new Set(definition.options.map(typeOf))].join(' or ');
  }
  if (definition.element !== undefined) return `list of ${typeOf(definition.element)}`;
  if (definition.entries !== undefined) return Object.values(definition.entries).map(String).join(', ');
  if (definition.values !== undefined) return definition.values.map((value) => written(value)).join(', ');
  return NAMES[definition.type] ?? definition.type;
}
