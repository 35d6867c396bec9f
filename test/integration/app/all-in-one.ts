import { freePorts } from '../../../scripts/parts/ports.mjs';
import { type Launch, pipeline, type RunningEngine, startEngine } from './engine.ts';

/** Where a pipelines/all-in-one.yaml on free ports is reached. */
export interface AllInOne {
  readonly engine: RunningEngine;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly otlpUrl: string;
}

type PortName =
  | 'grpc'
  | 'http'
  | 'clickhouse'
  | 'native'
  | 'prometheus'
  | 'sampling'
  | 'samplingGrpc'
  | 'page'
  | 'own';

/** Whatever this machine has: the embedded database is what is tested. */
export const EMBEDDED = { CLICKHOUSE_URL: '' } as const;

/** The shipped file, moved to free ports by `--set` alone; its data are in `dir`. `more` are further --configs. */
export async function startAllInOne(
  options: Pick<Launch, 'dir' | 'name'> & { readonly more?: readonly string[] },
): Promise<AllInOne> {
  const { args, ports } = await allInOne();
  const { more = [], ...rest } = options;
  const config = [pipeline('all-in-one.yaml'), ...more];
  const engine = await startEngine({ ...rest, config, set: args, env: EMBEDDED });
  return { engine, ports, otlpUrl: `http://127.0.0.1:${ports.http}/v1/traces` };
}

/** The `--set`s that move it to free ports. */
export async function allInOne(): Promise<{ args: Record<string, string>; ports: AllInOne['ports'] }> {
  const [grpc, http, clickhouse, native, prometheus, sampling, samplingGrpc, extra, page, health, own] =
    (await freePorts(11)) as [...Eleven];
  const sampler = 'extensions.remote_sampling';
  const args = {
    'receivers.otlp.protocols.grpc.endpoint': `127.0.0.1:${grpc}`,
    'receivers.otlp.protocols.http.endpoint': `127.0.0.1:${http}`,
    'exporters.clickhouse.endpoint': `http://127.0.0.1:${clickhouse}`,
    'exporters.prometheus.endpoint': `127.0.0.1:${prometheus}`,
    'extensions.embedded_clickhouse.endpoint': `127.0.0.1:${clickhouse}`,
    'extensions.embedded_clickhouse.native_endpoint': `127.0.0.1:${native}`,
    [`${sampler}.http.endpoint`]: `127.0.0.1:${sampling}`,
    [`${sampler}.http.extra_endpoints`]: '[]',
    [`${sampler}.grpc.endpoint`]: `127.0.0.1:${samplingGrpc}`,
    [`${sampler}.grpc.extra_endpoints`]: `[127.0.0.1:${extra}]`,
    'extensions.overview_page.endpoint': `127.0.0.1:${page}`,
    'extensions.healthcheckv2.http.endpoint': `127.0.0.1:${health}`,
    'service.telemetry.metrics.address': `127.0.0.1:${own}`,
  };
  const ports = { grpc, http, clickhouse, native, prometheus, sampling, samplingGrpc, page, own };
  return { args, ports };
}

type Eleven = [number, number, number, number, number, number, number, number, number, number, number];
