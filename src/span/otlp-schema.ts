/** What OTLP/JSON needs to know about the messages of a trace request. */
export interface MessageSchema {
  readonly name: string;
  /** By JSON name, lowerCamelCase and snake_case alike. */
  readonly fields: ReadonlyMap<string, FieldSchema>;
}

export interface FieldSchema {
  readonly number: number;
  readonly type: ScalarType | readonly string[] | (() => MessageSchema);
  readonly repeated: boolean;
}

/** `id` is bytes in hexadecimal; a list of names stands for an enum. */
export type ScalarType =
  | 'string'
  | 'id'
  | 'bytes'
  | 'bool'
  | 'int64'
  | 'fixed64'
  | 'uint32'
  | 'fixed32'
  | 'double';

type FieldRow = readonly [number: number, type: FieldSchema['type'], repeated?: 'repeated'];

function message(name: string, rows: Readonly<Record<string, FieldRow>>): MessageSchema {
  const fields = new Map<string, FieldSchema>();
  for (const [snake, [number, type, repeated]] of Object.entries(rows)) {
    const field = { number, type, repeated: repeated !== undefined };
    fields.set(snake, field);
    fields.set(
      snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      field,
    );
  }
  return { name, fields };
}

const SPAN_KINDS = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
] as const;

const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'] as const;

const anyValue: MessageSchema = message('AnyValue', {
  string_value: [1, 'string'],
  bool_value: [2, 'bool'],
  int_value: [3, 'int64'],
  double_value: [4, 'double'],
  array_value: [5, () => arrayValue],
  kvlist_value: [6, () => keyValueList],
  bytes_value: [7, 'bytes'],
});

const keyValue: MessageSchema = message('KeyValue', { key: [1, 'string'], value: [2, () => anyValue] });
const arrayValue: MessageSchema = message('ArrayValue', { values: [1, () => anyValue, 'repeated'] });
const keyValueList: MessageSchema = message('KeyValueList', { values: [1, () => keyValue, 'repeated'] });

const event = message('Event', {
  time_unix_nano: [1, 'fixed64'],
  name: [2, 'string'],
  attributes: [3, () => keyValue, 'repeated'],
  dropped_attributes_count: [4, 'uint32'],
});

const link = message('Link', {
  trace_id: [1, 'id'],
  span_id: [2, 'id'],
  trace_state: [3, 'string'],
  attributes: [4, () => keyValue, 'repeated'],
  dropped_attributes_count: [5, 'uint32'],
  flags: [6, 'fixed32'],
});

const status = message('Status', { message: [2, 'string'], code: [3, STATUS_CODES] });

const span = message('Span', {
  trace_id: [1, 'id'],
  span_id: [2, 'id'],
  trace_state: [3, 'string'],
  parent_span_id: [4, 'id'],
  name: [5, 'string'],
  kind: [6, SPAN_KINDS],
  start_time_unix_nano: [7, 'fixed64'],
  end_time_unix_nano: [8, 'fixed64'],
  attributes: [9, () => keyValue, 'repeated'],
  dropped_attributes_count: [10, 'uint32'],
  events: [11, () => event, 'repeated'],
  dropped_events_count: [12, 'uint32'],
  links: [13, () => link, 'repeated'],
  dropped_links_count: [14, 'uint32'],
  status: [15, () => status],
  flags: [16, 'fixed32'],
});

const scope = message('InstrumentationScope', {
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: [3, () => keyValue, 'repeated'],
  dropped_attributes_count: [4, 'uint32'],
});

const scopeSpans = message('ScopeSpans', {
  scope: [1, () => scope],
  spans: [2, () => span, 'repeated'],
  schema_url: [3, 'string'],
});

const resource = message('Resource', {
  attributes: [1, () => keyValue, 'repeated'],
  dropped_attributes_count: [2, 'uint32'],
});

const resourceSpans = message('ResourceSpans', {
  resource: [1, () => resource],
  scope_spans: [2, () => scopeSpans, 'repeated'],
  schema_url: [3, 'string'],
});

/** ExportTraceServiceRequest and TracesData, which are the same on the wire. */
export const TRACES_DATA: MessageSchema = message('TracesData', {
  resource_spans: [1, () => resourceSpans, 'repeated'],
});
