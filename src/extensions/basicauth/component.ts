import type { ExtensionType } from '../../flow/component-type.ts';
import { BasicAuth } from './basic-auth.ts';
import { type BasicAuthConfig, basicAuthConfig } from './config.ts';

export const basicAuthExtension: ExtensionType<BasicAuthConfig> = {
  kind: 'extension',
  type: 'basicauth',
  description: 'Authenticates with names and passwords: listeners and clients name it under `auth`.',
  config: basicAuthConfig,
  createMain: (config, context) => new BasicAuth(config, context),
};
