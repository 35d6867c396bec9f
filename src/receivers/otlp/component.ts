import type { Component } from '../../base/component.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { ReceiverType } from '../../flow/component-type.ts';
import type { ListenAddress, MainContext } from '../../flow/host.ts';
import { type OtlpConfig, otlpConfig } from './config.ts';
import { Door } from './door.ts';
import { createTraceService, grpcLimits, traceService } from './grpc-service.ts';
import { createTraceHandler, createTracePost } from './http-service.ts';

export const otlpReceiver: ReceiverType<OtlpConfig> = {
  kind: 'receiver',
  type: 'otlp',
  description: 'Takes spans over OTLP: gRPC, and HTTP with protobuf or JSON.',
  config: otlpConfig,
  createMain: createOtlpReceiver,
};

function createOtlpReceiver(config: OtlpConfig, context: MainContext): Component {
  const { id, clock, log, instruments, ingress, listeners, health } = context;
  const door = new Door({
    receiver: id,
    clock,
    log,
    instruments,
    ingress,
    maxInFlightBytes: Math.floor(config.max_in_flight_mib * 1024 * 1024),
    timeoutMs: config.timeout,
  });
  return {
    id,
    start: async () => {
      const { grpc, http } = config.protocols;
      const option = (protocol: string): string => `receivers.${id}.protocols.${protocol}.endpoint`;
      if (grpc !== undefined) {
        const services = listeners.grpc(addressOf(grpc), option('grpc'), grpcLimits(grpc));
        services.service(traceService, createTraceService(door));
      }
      if (http !== undefined) {
        const routes = listeners.http(addressOf(http), option('http'));
        routes.route(http.traces_url_path, createTraceHandler(http, door), createTracePost(http, door));
      }
      health.report('ok');
    },
    stop: async () => {
      door.refuseAll();
      health.report('stopped');
    },
  };
}

type Served = NonNullable<OtlpConfig['protocols']['grpc'] | OtlpConfig['protocols']['http']>;

function addressOf({ endpoint, tls }: Pick<Served, 'endpoint' | 'tls'>): ListenAddress {
  if (tls === undefined) return endpoint;
  return {
    ...endpoint,
    tls: serverTlsOf(tls),
  };
}
