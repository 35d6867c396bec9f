import type { AuthenticatorPeer, ClientAuthenticator } from '../../../base/authenticator.ts';
import { SpanweirError } from '../../../base/errors.ts';
import type { MainContext } from '../../../flow/host.ts';
import type { RemoteSourceConfig, SourceConfig } from '../serving/serving-config.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { createFileProvider } from './file-provider.ts';
import { createRemoteProvider } from './remote-provider.ts';

const DEFAULT_PROBABILITY = 0.001;

export function createSourceProvider(source: SourceConfig, context: MainContext): StrategyProvider {
  const { remote, file: path, reload_interval: reloadInterval } = source;
  if (remote !== undefined) {
    return createRemoteProvider({
      source,
      remote,
      authenticator: () => clientAuthenticator(remote, context),
      context,
    });
  }
  const file = {
    path,
    reload_interval: reloadInterval,
    default_sampling_probability: DEFAULT_PROBABILITY,
  };
  return createFileProvider(file, context);
}

function clientAuthenticator(
  { auth }: RemoteSourceConfig,
  context: MainContext,
): ClientAuthenticator | undefined {
  if (auth === undefined) return undefined;
  const peer = context.peer(`extension:${auth.authenticator}`) as AuthenticatorPeer | undefined;
  if (peer?.clientAuthenticator !== undefined) return peer.clientAuthenticator;
  const option = `extensions.${context.id}.source.remote.auth.authenticator`;
  throw new SpanweirError(
    'START',
    `${option}: found "${auth.authenticator}", expected an extension with credentials, listed in service.extensions`,
  );
}
