import { z } from 'zod';
import { duration } from '../../base/schema.ts';

const positive = (initial: string) =>
  duration(initial).refine((ms) => ms > 0, { error: 'expected a duration above 0' });

const keys = () => z.array(z.string().min(1));

const buckets = z
  .array(duration())
  .min(1)
  .refine((list) => list.every((bound, i) => i === 0 || (list[i - 1] as number) < bound), {
    error: 'expected bounds that ascend',
  });

export const serviceGraphConfig = z
  .strictObject({
    store: z
      .strictObject({
        ttl: positive('15s').describe(
          'how long a span waits for the span at the other end of its edge; the collector has 2s, but here the two may ' +
            'lie in blocks of different partitions, which are committed seconds apart',
        ),
        max_items: z
          .int()
          .min(1)
          .default(500_000)
          .describe(
            'spans that wait at the same time, some 60 bytes each; more are dropped and counted (collector: 1000)',
          ),
      })
      .prefault({})
      .describe('where spans wait for the other end of their edge'),
    latency_histogram_buckets: buckets
      .optional()
      .describe(
        'upper bounds (default 2ms 4ms 6ms 8ms 10ms 50ms 100ms 200ms 400ms 800ms 1s 1.4s 2s 5s 10s 15s)',
      ),
    exponential_histogram_max_size: z
      .int()
      .min(0)
      .default(0)
      .refine((size) => size === 0, {
        error:
          'exponential histograms of edges are not supported in Prometheus; leave it out (ClickHouse always gets them)',
      })
      .describe('buckets of an exponential histogram instead of the fixed ones; 0 = none'),
    dimensions: keys()
      .default([])
      .describe('attributes of spans or resources that become labels, as client_NAME and server_NAME'),
    database_name_attributes: keys()
      .default(['db.name', 'db.namespace'])
      .describe(
        'attributes that name the database which a client span calls, most important first (collector: db.name)',
      ),
    database_name_attribute: z.string().optional().describe('old name of database_name_attributes, for one'),
    virtual_node_peer_attributes: keys()
      .default(['peer.service', 'db.name', 'db.system'])
      .describe('attributes that name what a client span calls where no server span shows up'),
    virtual_node_extra_label: z
      .boolean()
      .default(false)
      .describe('a label virtual_node that says which end of an edge is made up: client or server'),
    metrics_flush_interval: duration('60s')
      .refine((ms) => ms === 0 || ms >= 1000, { error: 'expected 1s or more, or 0' })
      .describe(
        'how often edges are derived in ClickHouse; 0 = every 10s. Prometheus always sees what is counted so far',
      ),
    metrics_timestamp_offset: duration('0s')
      .describe('how far metrics are dated back')
      .meta({ instead: 'not needed: metrics are scraped, and dated by whoever scrapes' }),
    cache_loop: positive('1m').describe('how often series are looked for that nothing was added to for 15m'),
    store_expiration_loop: positive('2s').describe(
      'how often spans are looked for that have waited too long',
    ),
    metrics_exporter: z
      .string()
      .optional()
      .describe('ignored by the collector, too')
      .meta({ instead: 'not needed: exporters are those of the metrics pipelines' }),
  })
  .prefault({})
  .describe('requests between services, with databases, queues and what is not traced');

export type ServiceGraphConfig = z.output<typeof serviceGraphConfig>;
