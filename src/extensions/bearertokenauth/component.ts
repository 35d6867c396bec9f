import type { ExtensionType } from '../../flow/component-type.ts';
import { BearerTokenAuth } from './bearer-token-auth.ts';
import { type BearerTokenAuthConfig, bearerTokenAuthConfig } from './config.ts';

export const bearerTokenAuthExtension: ExtensionType<BearerTokenAuthConfig> = {
  kind: 'extension',
  type: 'bearertokenauth',
  description: 'Authenticates with bearer tokens: listeners and clients name it under `auth`.',
  config: bearerTokenAuthConfig,
  createMain: (config, context) => new BearerTokenAuth(config, context),
};
