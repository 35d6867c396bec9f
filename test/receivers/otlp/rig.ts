import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Ingress } from '../../../src/flow/host.ts';
import type { Encoding, RequestVerdict } from '../../../src/flow/intake.ts';
import type { HttpLimits } from '../../../src/http/limits.ts';
import { otlpReceiver } from '../../../src/receivers/otlp/component.ts';
import { fakeMain, within } from '../../http/fakes.ts';

export interface Taken {
  readonly payload: Uint8Array;
  readonly encoding: Encoding;
  readonly timestampMs: number;
}

export interface Rig {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** What reached the lanes. */
  readonly taken: Taken[];
  /** What the lanes answer; replaced by tests. */
  lanes: (taken: Taken) => Promise<RequestVerdict>;
  value(name: string, labels: string): number | undefined;
  /** By name with all of its labels. */
  valueOf(key: string): number | undefined;
  stopReceiver(): Promise<void>;
  close(): Promise<void>;
}

/** An OTLP receiver on free ports over scripted lanes. */
export async function startReceiver(config: object = {}, limits: Partial<HttpLimits> = {}): Promise<Rig> {
  const ports = { grpc: 0, http: 0 };
  const taken: Taken[] = [];
  const ingress: Ingress = (payload, encoding, timestampMs) => {
    taken.push({ payload, encoding, timestampMs });
    return rig.lanes({ payload, encoding, timestampMs });
  };
  const main = fakeMain({ ingress, httpLimits: limits });
  const { grpc, http, ...rest } = config as { grpc?: object; http?: object };
  const parsed = otlpReceiver.config.parse({
    protocols: {
      grpc: { endpoint: 'localhost:0', ...grpc },
      http: { endpoint: 'localhost:0', ...http },
    },
    ...rest,
  });
  const { listeners } = main;
  const routes: { port(): number }[] = [];
  const context = {
    ...main.context,
    listeners: {
      http: (...args: Parameters<typeof listeners.http>) => keep(listeners.http(...args)),
      grpc: (...args: Parameters<typeof listeners.grpc>) => keep(listeners.grpc(...args)),
    },
  };
  function keep<T extends { port(): number }>(opened: T): T {
    routes.push(opened);
    return opened;
  }
  const receiver = otlpReceiver.createMain?.(parsed, context);
  await receiver?.start();
  await listeners.open();
  ports.grpc = routes[0]?.port() ?? 0;
  ports.http = routes[1]?.port() ?? 0;
  const rig: Rig = {
    httpPort: ports.http,
    grpcPort: ports.grpc,
    taken,
    lanes: async () => ({ spans: 1, rejectedSpans: 0, message: '' }),
    value: (name, labels) => main.instruments.values.get(`${name}{receiver="otlp",${labels}}`),
    valueOf: (key) => main.instruments.values.get(key),
    stopReceiver: async () => receiver?.stop(within(1000)),
    close: async () => {
      const deadline = within(500);
      await listeners.close(deadline);
      deadline.end();
    },
  };
  return rig;
}

export interface GrpcReply {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer | undefined;
  /** grpc-status-details-bin, where there was one. */
  readonly status: Buffer | undefined;
}

/** Sends bytes as they are, the way an SDK's generated client would frame them. */
export function grpcExport(
  port: number,
  payload: Uint8Array,
  options: ClientOptions = {},
): Promise<GrpcReply> {
  const same = (bytes: Buffer): Buffer => bytes;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    ...options,
  });
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, message?: Buffer): void => {
      client.close();
      const status = error?.metadata.get('grpc-status-details-bin')[0];
      resolve({
        code: error?.code ?? 0,
        details: error?.details ?? '',
        message,
        status: status === undefined ? undefined : Buffer.from(status),
      });
    };
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    const deadline = Date.now() + 10_000;
    client.makeUnaryRequest(path, same, same, Buffer.from(payload), new Metadata(), { deadline }, done);
  });
}
