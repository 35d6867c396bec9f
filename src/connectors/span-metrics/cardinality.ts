import { z } from 'zod';
import { DEFAULT_BLOCK_LIMITS } from '../../red/block-guard.ts';

const limit = (most: number, what: string) => z.int().min(0).default(most).describe(`${what}; 0 = no limit`);

/** What the collector has no word for. */
export const cardinality = z
  .strictObject({
    names_per_service: limit(DEFAULT_BLOCK_LIMITS.namesPerService, 'span names of one service in a block'),
    values_per_dimension: limit(
      DEFAULT_BLOCK_LIMITS.valuesPerDimension,
      'values of one dimension in a block',
    ),
    series_per_service: limit(
      DEFAULT_BLOCK_LIMITS.seriesPerService,
      'series of one service in a block, and among those that an ingest thread numbers for Prometheus',
    ),
    series: limit(DEFAULT_BLOCK_LIMITS.series, 'series in a block'),
  })
  .prefault({})
  .describe(
    'where a block has more, what few of its spans have is counted as otel.metric.overflow, by service, kind and ' +
      'status (of a dimension: only that value). It depends on the block alone, so that stored rows are the same ' +
      'whenever they are formed',
  );

export type Cardinality = z.output<typeof cardinality>;
