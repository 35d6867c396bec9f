import { z } from 'zod';
import { duration, endpoint } from '../../src/base/schema.ts';
import type { ConfigProblems } from '../../src/config/load-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { LoadedConfig } from '../../src/config/loaded-config.ts';
import type { ComponentType } from '../../src/flow/component-type.ts';

const never = (): never => {
  throw new Error('nothing is created while a configuration is read');
};

const kafka = z.strictObject({
  brokers: z.array(z.string()).default(['localhost:9092']).describe('where to begin'),
  group_id: z.string().default('otel-collector').describe('the group'),
  initial_offset: z.enum(['latest', 'earliest']).default('latest').describe('where a new group begins'),
  session_timeout: duration('10s').describe('silence after which a member is out'),
  group_instance_id: z
    .string()
    .optional()
    .describe('static member')
    .meta({ instead: 'a dynamic member is used' }),
  max_fetch_size: z.int().min(1).default(1_048_576).describe('bytes'),
  auth: z
    .strictObject({ sasl: z.strictObject({ username: z.string(), password: z.string().min(3) }).optional() })
    .optional()
    .describe('who we are'),
  traces: z
    .strictObject({
      topics: z.array(z.string()).default(['otlp_spans']).describe('topics'),
      encoding: z.enum(['otlp_proto', 'otlp_json']).default('otlp_proto').describe('of a message'),
    })
    .prefault({})
    .describe('of traces'),
});

const otlp = z.strictObject({
  protocols: z.strictObject({
    grpc: z.strictObject({ endpoint: endpoint('localhost:4317').describe('address') }).optional(),
    http: z.strictObject({ endpoint: endpoint('localhost:4318').describe('address') }).optional(),
  }),
});

const remoteSampling = z.strictObject({
  adaptive: z
    .strictObject({
      sampling_store: z.string().describe('an exporter'),
      window: duration('5s').describe('of counting'),
    })
    .optional(),
});

const adaptiveSampling = z.strictObject({ window: duration('5s').describe('of counting') });

const nothing = z.strictObject({});

/** Components that look like the real ones, so that these tests do not change with them. */
export const TABLE: readonly ComponentType[] = [
  { kind: 'receiver', type: 'kafka', description: 'From Kafka.', config: kafka },
  { kind: 'receiver', type: 'otlp', description: 'From SDKs.', config: otlp },
  {
    kind: 'processor',
    type: 'adaptive_sampling',
    description: 'Counts.',
    config: adaptiveSampling,
    createLane: never,
  },
  {
    kind: 'connector',
    type: 'span_metrics',
    aliases: ['spanmetrics'],
    description: 'RED.',
    config: z.strictObject({ metrics_flush_interval: duration('60s').describe('period') }),
    createLane: never,
  },
  {
    kind: 'exporter',
    type: 'prometheus',
    description: 'For Prometheus.',
    signals: ['metrics'],
    config: z.strictObject({ endpoint: endpoint().describe('address') }),
  },
  {
    kind: 'exporter',
    type: 'clickhouse',
    description: 'Stores.',
    signals: ['traces', 'metrics'],
    config: z.strictObject({ endpoint: z.string().default('http://localhost:8123').describe('server') }),
  },
  { kind: 'exporter', type: 'nop', description: 'Nothing.', signals: ['traces', 'metrics'], config: nothing },
  { kind: 'extension', type: 'remote_sampling', description: 'Strategies.', config: remoteSampling },
];

export interface Given {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly configs?: readonly string[];
  readonly sets?: readonly string[];
}

export function load(text: string, given: Given = {}): LoadedConfig | ConfigProblems {
  const files: Record<string, string> = { 'a.yaml': text, ...given.files };
  return loadConfig({ configs: given.configs ?? ['a.yaml'], sets: given.sets ?? [] }, TABLE, {
    variables: given.env ?? {},
    readFile: (path) => {
      const found = files[path];
      if (found === undefined) throw new Error(`no such file: ${path}`);
      return found;
    },
  });
}

export function loaded(text: string, given: Given = {}): LoadedConfig {
  const result = load(text, given);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result;
}

export function problems(text: string, given: Given = {}): readonly string[] {
  const result = load(text, given);
  return 'problems' in result ? result.problems : [];
}
