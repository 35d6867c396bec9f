import { textOfValue } from '../../span/attribute-text.ts';
import { ATTRIBUTES_OF, type AttributeCursor, VALUE } from '../../span/attributes.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import type { VariateKind } from './trace-id-variate.ts';

const LANGUAGE = Buffer.from('telemetry.sdk.language');
/** What Jaeger's own clients say of themselves, and what the collector makes of it: `Go-2.30.0`, `Jaeger-Go-2.30.0`. */
const VERSIONS = ['jaeger.version', 'opencensus.exporterversion'].map((key) => Buffer.from(key));

const KIND_OF_LANGUAGE: ReadonlyMap<string, VariateKind> = new Map([
  ['go', 'go_rust'],
  ['rust', 'go_rust'],
  ['java', 'java'],
  ['python', 'python'],
  ['nodejs', 'js'],
  ['webjs', 'js'],
  ['dotnet', 'dotnet'],
]);

const RUNTIME = Buffer.from('process.runtime.name');

/** Of resources that a program made by hand, without what the SDK would have put there. */
const KIND_OF_RUNTIME: readonly (readonly [RegExp, VariateKind])[] = [
  [/^(?:nodejs|browser)$/, 'js'],
  [/^(?:go|gc|gccgo|rustc)$/, 'go_rust'],
  [/^(?:cpython|pypy)/i, 'python'],
  [/^\.NET/, 'dotnet'],
  [/java|jdk|jre|openj9|graalvm|hotspot/i, 'java'],
];

/**
 * How the SDK of a batch's resource turns a trace id into a number; undefined where its rule is not known. Of
 * Jaeger's own clients only Go's is: the others tell the probability of every root anyway.
 */
export function variateKindOf(
  cursor: AttributeCursor,
  batch: SpanBatch,
  resource: number,
): VariateKind | undefined {
  const language = textOf(cursor, batch, resource, LANGUAGE);
  const kind = KIND_OF_LANGUAGE.get(language);
  if (kind !== undefined) return kind;
  if (language !== '') return undefined;
  for (const key of VERSIONS) {
    if (/^(?:Jaeger-)?Go-/.test(textOf(cursor, batch, resource, key))) return 'jaeger_client_go';
  }
  const runtime = textOf(cursor, batch, resource, RUNTIME);
  return KIND_OF_RUNTIME.find(([name]) => name.test(runtime))?.[1];
}

function textOf(cursor: AttributeCursor, batch: SpanBatch, resource: number, key: Uint8Array): string {
  const [at, end] = [batch.resourceAt[resource] as number, batch.resourceEnd[resource] as number];
  cursor.reset(batch.arena, at, end, ATTRIBUTES_OF.resource);
  return cursor.find(key) && cursor.valueKind === VALUE.string ? textOfValue(cursor) : '';
}
