/** Columns of which most rows are 0. */
export const SPARSE_COLUMNS = [
  'kind',
  'statusCode',
  'flags',
  'eventsAt',
  'eventsEnd',
  'linksAt',
  'linksEnd',
  'traceStateAt',
  'traceStateLength',
  'statusMessageAt',
  'statusMessageLength',
] as const;

export const SPAN_COLUMNS = [
  ...SPARSE_COLUMNS,
  'nameId',
  'nameAt',
  'nameLength',
  'attributesAt',
  'attributesEnd',
  'traceIdAt',
  'spanIdAt',
  'parentIdAt',
  'startLo',
  'startHi',
  'durationNs',
  'weight',
  'quality',
  'resource',
  'scope',
  'record',
  'spanAt',
  'spanEnd',
] as const;

export const RESOURCE_COLUMNS = ['resourceIdentity', 'resourceAt', 'resourceEnd'] as const;
export const SCOPE_COLUMNS = ['scopeAt', 'scopeEnd'] as const;
export const RECORD_COLUMNS = ['recordOffset', 'recordTimestampMs', 'recordAt', 'recordEnd'] as const;
export const ALL_COLUMNS = [...SPAN_COLUMNS, ...RESOURCE_COLUMNS, ...SCOPE_COLUMNS, ...RECORD_COLUMNS];

export type Column = Uint8Array | Uint32Array | Float64Array;
export type ColumnName = (typeof ALL_COLUMNS)[number];
