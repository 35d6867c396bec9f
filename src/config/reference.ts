import type { ZodType } from 'zod';
import type { ComponentType } from '../flow/component-type.ts';
import { SECTION_NAMES, SECTIONS } from './defined.ts';
import { optionsOf } from './options.ts';
import { serviceSchema } from './service-schema.ts';

const INTRODUCTION = `# Configuration

This page is generated from the schemas (\`spanweir docs\`); \`docs/config.schema.json\` is the same for editors.

A configuration is YAML in the form of the OpenTelemetry Collector's: components under their ids (\`type\` or
\`type/name\`), and pipelines under \`service\` that put them together. A component starts when a pipeline (or
\`service.extensions\`) uses it. Keys that are not on this page are errors.

- \`--config\` may be given several times: a path, \`file:path\`, \`env:NAME\` or \`yaml:text\`. Later ones win; maps merge,
  lists and null replace.
- \`--set a.b.c=value\` comes last; its value is YAML.
- \`\${env:NAME}\`, \`\${env:NAME:-default}\`, \`\${NAME}\` and \`\${file:path}\` are replaced in values; \`$$\` is one \`$\`.
- Durations are written as in Go (\`500ms\`, \`1m30s\`), addresses as \`host:port\` (an empty host is every interface).
- *Instead* marks options of the collector or Jaeger that are accepted and treated otherwise; who sets one is told at
  the start.
`;

/** docs/config.md. */
export function renderReference(table: readonly ComponentType[]): string {
  const parts = [INTRODUCTION];
  for (const section of SECTION_NAMES) {
    parts.push(`## ${section}\n`);
    for (const type of sorted(table.filter(({ kind }) => kind === SECTIONS[section]))) {
      parts.push(renderComponent(type));
    }
  }
  parts.push('## service\n', renderOptions(serviceSchema));
  return `${parts.join('\n').trimEnd()}\n`;
}

export function sorted(types: readonly ComponentType[]): ComponentType[] {
  return [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
}

function renderComponent(type: ComponentType): string {
  const aliases = type.aliases ?? [];
  const also =
    aliases.length === 0 ? '' : ` Also accepted: ${aliases.map((name) => `\`${name}\``).join(', ')}.`;
  const signals = type.kind === 'exporter' ? ` Stands in pipelines of: ${type.signals.join(', ')}.` : '';
  return `### ${type.type}\n\n${type.description}${signals}${also}\n\n${renderOptions(type.config)}`;
}

function renderOptions(schema: ZodType): string {
  const options = optionsOf(schema);
  if (options.length === 0) return 'No options.\n';
  const rows = options.map(({ name, type, initial, required, description, instead }) => {
    const start = initial === '' ? (required ? 'required' : '') : `\`${initial}\``;
    const meaning = [description, instead === undefined ? '' : `*Instead:* ${instead}`];
    return `| \`${name}\` | ${cell(type)} | ${cell(start)} | ${cell(meaning.filter(Boolean).join('. '))} |\n`;
  });
  return `| option | type | default | meaning |\n|---|---|---|---|\n${rows.join('')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
