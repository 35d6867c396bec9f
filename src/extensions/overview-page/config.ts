import { z } from 'zod';
import { endpoint, serverTls } from '../../base/schema.ts';

export const overviewPageConfig = z.strictObject({
  endpoint: endpoint('localhost:16686').describe('host:port to listen on'),
  tls: serverTls.optional(),
  connectors: z
    .array(z.string())
    .default([])
    .describe('connectors whose rates are shown; [] = all. Name them where several count the same spans'),
  sampling: z
    .string()
    .default('remote_sampling')
    .describe('the remote_sampling extension whose decisions are shown'),
  max_operations: z
    .int()
    .min(100)
    .max(200_000)
    .default(20_000)
    .describe('operations that are kept; what comes beyond is only counted in the totals'),
});

export type OverviewPageConfig = z.output<typeof overviewPageConfig>;
