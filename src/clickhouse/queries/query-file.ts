import { SpanweirError } from '../../base/errors.ts';

/**
 * A value that a query takes. `time` is a moment, `duration` a length of time (whole seconds where the SQL takes an
 * integer), `choice` one of some words.
 */
export type ParameterKind = 'text' | 'number' | 'count' | 'time' | 'duration' | 'choice';

export interface QueryParameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Empty but for a choice. */
  readonly choices: readonly string[];
  /** As a user would write it; undefined = it has to be given. */
  readonly initial: string | undefined;
  readonly about: string;
  /** ClickHouse's type, as it stands in the SQL; '' where only the range of the rollups uses it. */
  readonly type: string;
}

/** One file of sql/queries/. */
export interface NamedQuery {
  /** Of the file, without `.sql`. */
  readonly name: string;
  readonly title: string;
  /** One paragraph. */
  readonly about: string;
  /** In the order of the file. */
  readonly parameters: readonly QueryParameter[];
  /** With `{{DB}}`, `{{SPAN_METRICS}}` and `{name:Type}` in it. */
  readonly sql: string;
}

const PARAMETER = /^param (\w+) \(([^=()]+?)(?: = ([^()]*))?\): (.+)$/;
const KINDS: ReadonlySet<string> = new Set(['text', 'number', 'count', 'time', 'duration']);

/** Every query that reads the RED tables can be told which connector's rows to read: two count the same spans. */
const CONNECTOR: QueryParameter = {
  name: 'connector',
  kind: 'text',
  choices: [],
  initial: '',
  about: 'id of the span_metrics connector that counted; empty = the first one by name',
  type: 'String',
};

/**
 * Reads a query and its header:
 *
 *     -- title: What it tells
 *     -- about: More of it,
 *     --   over several lines.
 *     -- param service (text): the service
 *     -- param kind (entry|all = entry): which spans
 *     SELECT ...
 *
 * @throws SpanweirError (START) where a header is not like that
 */
export function parseQuery(name: string, text: string): NamedQuery {
  const fail = (what: string): never => {
    throw new SpanweirError('START', `sql/queries/${name}.sql: ${what}`);
  };
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('--'));
  const sql = lines.slice(end).join('\n').trim().replace(/;$/, '');
  if (end <= 0 || sql === '') return fail('expected a header of comments, and a statement');
  const types = placeholdersOf(sql);
  let title = '';
  let about = '';
  const parameters: QueryParameter[] = [];
  for (const entry of entriesOf(lines.slice(0, end))) {
    const [, key = '', value = ''] = /^(title|about): (.+)$/.exec(entry) ?? [];
    const found = PARAMETER.exec(entry);
    if (key === 'title') title = value;
    else if (key === 'about') about = value;
    else if (found === null) return fail(`what is "${entry}"?`);
    else parameters.push(parameterOf(found, types));
  }
  if (title === '' || about === '') return fail('title and about are needed');
  if (sql.includes('{{SPAN_METRICS')) parameters.push(CONNECTOR);
  const declared = new Set(parameters.map((parameter) => parameter.name));
  const unknown = [...types.keys()].filter((used) => !declared.has(used));
  if (unknown.length > 0) return fail(`no param says what ${unknown.join(', ')} is`);
  return { name, title, about, parameters, sql };
}

/** Lines that are indented go on with the one before. */
function entriesOf(lines: readonly string[]): string[] {
  const entries: string[] = [];
  for (const line of lines) {
    const text = line.replace(/^-- ?/, '');
    if (/^\s+\S/.test(text)) entries.push(`${entries.pop() ?? ''} ${text.trim()}`);
    else if (text !== '') entries.push(text);
  }
  return entries;
}

function parameterOf(found: RegExpExecArray, types: ReadonlyMap<string, string>): QueryParameter {
  const [, name = '', kind = '', initial, about = ''] = found;
  const isKind = KINDS.has(kind);
  return {
    name,
    kind: isKind ? (kind as ParameterKind) : 'choice',
    choices: isKind ? [] : kind.split('|'),
    initial,
    about,
    type: types.get(name) ?? '',
  };
}

function placeholdersOf(sql: string): Map<string, string> {
  const found = sql.matchAll(/(?<!\{)\{(\w+):\s*([^{}]+?)\}/g);
  return new Map([...found].map(([, name = '', type = '']) => [name, type]));
}
