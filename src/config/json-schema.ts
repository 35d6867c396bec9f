import { type ZodType, z } from 'zod';
import type { ComponentType } from '../flow/component-type.ts';
import { SECTION_NAMES, SECTIONS, type Section } from './defined.ts';
import { serviceSchema } from './service-schema.ts';

type JsonSchema = Record<string, unknown>;

/** docs/config.schema.json: what editors check a configuration with while it is written. */
export function renderJsonSchema(table: readonly ComponentType[]): string {
  const sections = Object.fromEntries(SECTION_NAMES.map((name) => [name, sectionSchema(name, table)]));
  const schema: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Spanweir configuration',
    type: 'object',
    additionalProperties: false,
    properties: { ...sections, service: inputSchema(serviceSchema) },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** By component id; a null stands for the defaults. */
function sectionSchema(section: Section, table: readonly ComponentType[]): JsonSchema {
  const types = table.filter((type) => type.kind === SECTIONS[section]);
  const patterns = types.map((type): [string, JsonSchema] => {
    const names = [type.type, ...(type.aliases ?? [])].join('|');
    const config = { anyOf: [inputSchema(type.config), { type: 'null' }], description: type.description };
    return [`^(${names})(/.+)?$`, config];
  });
  return {
    type: ['object', 'null'],
    additionalProperties: false,
    patternProperties: Object.fromEntries(patterns),
  };
}

function inputSchema(schema: ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const { instead, description } = jsonSchema;
      delete jsonSchema['typeName'];
      delete jsonSchema['instead'];
      if (typeof instead === 'string')
        jsonSchema.description = `${description ?? ''} (instead: ${instead})`.trim();
    },
  }) as JsonSchema;
  return rest;
}
