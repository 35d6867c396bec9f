import { resolve } from 'node:path';
import type { Component } from '../../base/component.ts';
import { bindHost } from '../../base/listen-address.ts';
import { EmbeddedClickHouse } from '../../clickhouse/embedded.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { MainContext } from '../../flow/host.ts';
import { type EmbeddedClickHouseConfig, embeddedClickHouseConfig } from './config.ts';

export const embeddedClickHouseExtension: ExtensionType<EmbeddedClickHouseConfig> = {
  kind: 'extension',
  type: 'embedded_clickhouse',
  description: 'A real ClickHouse server as a supervised child process; started again when it dies.',
  config: embeddedClickHouseConfig,
  startsBeforeExporters: true,
  createMain: createEmbeddedClickHouse,
};

function createEmbeddedClickHouse(config: EmbeddedClickHouseConfig, context: MainContext): Component {
  if (config.unless !== '') return createNothing(context);
  const { host, port } = config.endpoint;
  const server = new EmbeddedClickHouse(
    {
      directory: resolve(config.directory),
      host: bindHost(host),
      httpPort: port,
      nativePort: config.native_endpoint.port,
      maxServerMemoryBytes: config.max_server_memory_usage,
    },
    {
      ...context,
      platform: `${process.platform}-${process.arch}`,
      restarts: context.instruments.counter('spanweir_embedded_clickhouse_restarts_total', {
        extension: context.id,
      }),
      options: {
        directory: `extensions.${context.id}.directory`,
        endpoint: `extensions.${context.id}.endpoint`,
        nativeEndpoint: `extensions.${context.id}.native_endpoint`,
      },
    },
  );
  return { id: context.id, start: () => server.start(), stop: (deadline) => server.stop(deadline) };
}

function createNothing({ id, health, log }: MainContext): Component {
  return {
    id,
    start: async () => {
      // The value may hold a password.
      log.info({}, `extensions.${id}.unless is set: no ClickHouse is started here`);
      health.report('ok');
    },
    stop: async () => health.report('stopped'),
  };
}
