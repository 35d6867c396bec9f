import type { ComponentContext } from '../../../base/component.ts';

export function instrumentsOf(instruments: ComponentContext['instruments']) {
  const errors = (action: string) => instruments.counter('spanweir_sampling_topic_errors_total', { action });
  const transactions = (outcome: string) =>
    instruments.counter('spanweir_sampling_transactions_total', { outcome });
  return {
    controller: instruments.gauge('spanweir_sampling_controller'),
    reigns: instruments.counter('spanweir_sampling_reigns_total'),
    version: instruments.gauge('spanweir_sampling_version'),
    age: instruments.gauge('spanweir_sampling_version_age_seconds'),
    silence: instruments.gauge('spanweir_sampling_topic_silence_seconds'),
    errors: {
      read: errors('read'),
      malformed: errors('malformed'),

      backwards: errors('backwards'),
    },
    transactions: {
      committed: transactions('committed'),
      fenced: transactions('fenced'),
      failed: transactions('failed'),
    },
  };
}
