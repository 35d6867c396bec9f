import type { ReceiverType } from '../../flow/component-type.ts';
import { type NopReceiverConfig, nopReceiverConfig } from './config.ts';

export const nopReceiver: ReceiverType<NopReceiverConfig> = {
  kind: 'receiver',
  type: 'nop',
  description: 'Receives nothing; for a process that only serves.',
  config: nopReceiverConfig,
};
