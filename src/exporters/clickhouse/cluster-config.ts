import { z } from 'zod';

/** A moment in RFC 3339; becomes Unix ms. */
const moment = z
  .string()
  .transform((text, context): number => {
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
    context.addIssue({ code: 'custom', message: 'expected a moment such as 2026-12-01T00:00:00Z' });
    return z.NEVER;
  })
  .meta({ typeName: 'moment' });

/** `endpoint` is that of the exporter, which has rules of its own. */
export function clusterConfig(endpoint: z.ZodType<string, string>) {
  const shard = z.strictObject({
    endpoint: endpoint.describe('HTTP interface of the server that this shard is written through'),
    since: moment
      .optional()
      .describe('blocks whose first record is older are never sent here: for a shard that is added'),
    until: moment
      .optional()
      .describe(
        'blocks whose first record is of then or later are not sent here: for a shard that is retired',
      ),
  });
  return z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'expected letters, digits, _ and -')
        .describe("the cluster's name in `remote_servers` of all its servers"),
      shards: z
        .array(shard)
        .min(1)
        .describe(
          'all shards that ever were, in an order that never changes; new ones come last, with `since`',
        ),
      ddl: z
        .enum(['each_shard', 'on_cluster'])
        .default('each_shard')
        .describe('send the schema to the server of each shard as it is, or as ON CLUSTER statements'),
      replicated: z
        .boolean()
        .default(false)
        .describe('Replicated* tables under the macros {shard} and {replica}; needs ddl: on_cluster'),
    })
    .superRefine(({ ddl, replicated, shards }, context) => {
      const complain = (path: (string | number)[], message: string): void =>
        context.addIssue({ code: 'custom', path, message });
      if (replicated && ddl !== 'on_cluster') {
        complain(['replicated'], 'needs ddl: on_cluster, since replicas have no endpoints here');
      }
      const [first] = shards;
      if (first?.since !== undefined || first?.until !== undefined) {
        complain(['shards', 0], 'the first shard has neither since nor until: small tables are always there');
      }
      const seen = new Set<string>();
      shards.forEach(({ endpoint: url, since, until }, i) => {
        if (seen.has(url)) complain(['shards', i, 'endpoint'], `${url} is that of another shard`);
        seen.add(url);
        if (since !== undefined && until !== undefined && since >= until) {
          complain(['shards', i, 'until'], 'expected a moment after since');
        }
      });
    });
}

export type ClusterConfig = z.output<ReturnType<typeof clusterConfig>>;
