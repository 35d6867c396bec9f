import { counter, gauge, type MetricRow } from './metric-row.ts';

/** Of METRICS, what is about sampling. */
export const SAMPLING_METRICS: Readonly<Record<string, MetricRow>> = {
  // Processors: adaptive_sampling.
  spanweir_adaptive_sampling_roots_total: counter(
    'spans',
    'Sampled root spans by what they tell of their sampler: its probability, that a bound kept them, or nothing.',
    'processor',
    'told',
  ),
  spanweir_adaptive_sampling_odd_tags_total: counter(
    'spans',
    'Root spans whose word on their probability was ignored, or cut down to one in a million.',
    'processor',
    'reason',
  ),

  // Extensions: remote_sampling.
  spanweir_sampling_polls_total: counter(
    'polls',
    'Polls of SDKs that were answered or failed.',
    'transport',
    'result',
  ),
  spanweir_sampling_tight_loops_total: counter(
    'pollers',
    'Clients that poll without a pause; each is named once in the log and stands in the list of pollers.',
  ),
  spanweir_sampling_pollers: gauge('pollers', 'Addresses, each with a user agent, that polls came from.'),
  spanweir_sampling_polled_services: gauge('services', 'Services that polls came for.'),
  spanweir_sampling_evicted_pollers_total: counter(
    '',
    'Pollers, or whole services, forgotten for want of room.',
    'what',
  ),
  spanweir_sampling_left_out_operations_total: counter(
    'operations',
    'Operations that found no room in a reply: the default holds for them.',
  ),
  spanweir_sampling_remote_fetches_total: counter(
    'fetches',
    'Strategies asked for at the remote source, by outcome; stale: an old one was served instead.',
    'outcome',
  ),
  spanweir_sampling_http_errors_total: counter(
    'polls',
    'Polls over HTTP that failed, by where (as Jaeger labels it).',
    'source',
    'status',
  ),
  spanweir_sampling_recomputations_total: counter('rounds', 'Rounds of the control loop.'),
  spanweir_sampling_operations: gauge('operations', 'Operations with a probability of their own.'),
  spanweir_sampling_decided_until_seconds: gauge(
    'seconds',
    'End of the newest window that was decided on, Unix time.',
  ),
  spanweir_sampling_windows_behind_seconds: gauge(
    'seconds',
    'How far the partition that is farthest behind holds the windows back.',
  ),
  spanweir_sampling_silent_partitions: gauge(
    'partitions',
    'Partitions that nobody has reported for half a minute: they hold decisions back until somebody reads them.',
  ),
  spanweir_sampling_services: gauge('services', 'Services with a strategy of their own.'),
  spanweir_sampling_not_following_services: gauge(
    'services',
    'Services that do not sample as they are told, by how they do instead.',
    'conformance',
  ),
  spanweir_sampling_store_errors_total: counter(
    'errors',
    'Failed reads and writes of the sampling store.',
    'action',
  ),
  spanweir_sampling_refused_rows_total: counter(
    'rows',
    'Throughput rows that the store in memory did not take.',
    'reason',
  ),
  spanweir_sampling_controller: gauge('', '1 while this replica decides for all (control_topic), else 0.'),
  spanweir_sampling_reigns_total: counter('', 'Times that this replica began to decide for all.'),
  spanweir_sampling_version: gauge('', 'Version of what is served here (control_topic).'),
  spanweir_sampling_version_age_seconds: gauge(
    'seconds',
    'Since that version was decided: old is fine while nothing changes.',
  ),
  spanweir_sampling_topic_silence_seconds: gauge(
    'seconds',
    'Since the control topic was last read: what is served may be out of date by so much.',
  ),
  spanweir_sampling_transactions_total: counter(
    'transactions',
    'Versions written to the control topic; fenced: another replica had taken over, nothing was written.',
    'outcome',
  ),
  spanweir_sampling_topic_errors_total: counter(
    'errors',
    'Trouble with the control topic: it could not be read, or held what is no version, or an older one.',
    'action',
  ),
  spanweir_sampling_file_reloads_total: counter('reloads', 'Reloads of the strategies file.', 'result'),
};
