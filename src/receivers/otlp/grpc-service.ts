import {
  Metadata,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { GrpcLimits } from '../../flow/host.ts';
import type { OtlpGrpcConfig } from './config.ts';
import type { Door } from './door.ts';
import { encodeStatus, encodeSuccess } from './messages.ts';
import { overloaded, type Refusal } from './refusal.ts';

const same = (bytes: Buffer): Buffer => bytes;

/** Requests stay bytes: the lanes decode them. */
export const traceService: ServiceDefinition = {
  Export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

export function createTraceService(door: Door): UntypedServiceImplementation {
  return {
    Export: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      void exportSpans(door, call.request, callback);
    },
  };
}

/** Never rejects: the door answers for everything that can go wrong. */
async function exportSpans(door: Door, payload: Buffer, callback: sendUnaryData<Buffer>): Promise<void> {
  const lease = door.lease();
  const answer = lease.take(payload.length)
    ? await door.take('grpc', payload, 'otlp_proto', lease)
    : door.refuse('grpc', overloaded('too many bytes are in flight', 'in_flight_limit'));
  if (answer.taken) callback(null, Buffer.from(encodeSuccess(answer.verdict, 'otlp_proto')));
  else callback(statusOf(answer.refusal));
}

function statusOf(refusal: Refusal): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(refusal, 'otlp_proto')));
  return { code: refusal.grpcCode, details: refusal.message, metadata };
}

export function grpcLimits(config: OtlpGrpcConfig): GrpcLimits {
  const server = config.keepalive?.server_parameters;
  return {
    maxMessageBytes: Math.floor(config.max_recv_msg_size_mib * 1024 * 1024),
    maxConcurrentStreams: config.max_concurrent_streams,
    keepaliveTimeMs: server?.time,
    keepaliveTimeoutMs: server?.timeout,
    maxConnectionIdleMs: server?.max_connection_idle,
    maxConnectionAgeMs: server?.max_connection_age,
    maxConnectionAgeGraceMs: server?.max_connection_age_grace,
  };
}
