/**
 * What every insert is told, whatever the server's defaults are: it is durable when it is answered, and a
 * token that was seen before makes it do nothing, in the table and in the targets of its views.
 */
export const INSERT_SETTINGS: Readonly<Record<string, string>> = {
  async_insert: '0',
  insert_deduplicate: '1',
  deduplicate_insert: 'enable',
  deduplicate_blocks_in_dependent_materialized_views: '1',
  materialized_views_ignore_errors: '0',
  // The answer comes when all is done; without it an error may follow a 200.
  wait_end_of_query: '1',
  // A block becomes one part per partition: it is never split, so the token covers it whole.
  max_insert_block_size: '100000000',
  min_insert_block_size_rows: '0',
  min_insert_block_size_bytes: '0',
  max_insert_threads: '1',
  max_partitions_per_insert_block: '1000',
};
