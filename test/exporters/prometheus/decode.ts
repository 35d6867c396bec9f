import protobuf from 'protobufjs';

/** Prometheus' exposition messages, as far as they are looked at. */
const SCHEMA = `
syntax = "proto2";
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message LabelPair { optional string name = 1; optional string value = 2; }
message Gauge { optional double value = 1; }
message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created_timestamp = 3; }
message Bucket {
  optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3;
  optional double cumulative_count_float = 4;
}
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram {
  optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
  optional double sample_count_float = 4; optional sint32 schema = 5; optional double zero_threshold = 6;
  optional uint64 zero_count = 7; optional double zero_count_float = 8;
  repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13 [packed = true];
  repeated double positive_count = 14 [packed = true];
  optional Timestamp created_timestamp = 15; repeated Exemplar exemplars = 16;
}
message Metric {
  repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3;
  optional int64 timestamp_ms = 6; optional Histogram histogram = 7;
}
message MetricFamily {
  optional string name = 1; optional string help = 2; optional int32 type = 3; repeated Metric metric = 4;
}`;

const root = protobuf.parse(SCHEMA, { keepCase: true }).root;
const family = root.lookupType('MetricFamily');

export interface DecodedExemplar {
  readonly label: readonly { readonly name: string; readonly value: string }[];
  readonly value: number;
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
}

export interface DecodedHistogram {
  readonly [field: string]: unknown;
  readonly bucket?: readonly {
    readonly cumulative_count?: number;
    readonly cumulative_count_float?: number;
    readonly upper_bound: number;
    readonly exemplar?: DecodedExemplar;
  }[];
  readonly exemplars?: readonly DecodedExemplar[];
}

export interface DecodedMetric {
  readonly labels: Readonly<Record<string, string>>;
  readonly gauge?: { readonly value: number };
  readonly counter?: {
    readonly value: number;
    readonly exemplar?: DecodedExemplar;
    readonly created_timestamp?: { readonly seconds: number; readonly nanos: number };
  };
  readonly histogram?: DecodedHistogram;
  readonly timestamp_ms?: number;
}

export interface DecodedFamily {
  readonly name: string;
  readonly type: number;
  readonly metric: readonly DecodedMetric[];
}

/** Families of a delimited page, in its order. */
export function decodePage(page: Uint8Array): DecodedFamily[] {
  const reader = protobuf.Reader.create(page);
  const families: DecodedFamily[] = [];
  while (reader.pos < reader.len) {
    const { metric = [], ...rest } = family.toObject(family.decodeDelimited(reader), {
      longs: Number,
    }) as { name: string; type: number; metric?: (DecodedMetric & { label?: DecodedExemplar['label'] })[] };
    families.push({
      ...rest,
      metric: metric.map(({ label = [], ...values }) => ({
        ...values,
        labels: Object.fromEntries(label.map(({ name, value }) => [name, value])),
      })),
    });
  }
  return families;
}
