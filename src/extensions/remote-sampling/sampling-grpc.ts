import {
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { toError } from '../../base/errors.ts';
import { serviceOfRequest } from '../../sampling/strategy-proto.ts';
import type { ServingDeps } from './sampling-http.ts';

export interface SamplingRequest {
  readonly serviceName: string;
}

/** Replies go as bytes that were encoded before. */
export const samplingManager: ServiceDefinition = {
  GetSamplingStrategy: {
    path: '/jaeger.api_v2.SamplingManager/GetSamplingStrategy',
    originalName: 'getSamplingStrategy',
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    // An object, since the library takes a request that is falsy for none at all.
    requestDeserialize: (bytes: Buffer): SamplingRequest => ({ serviceName: serviceOfRequest(bytes) }),
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
};

export function createSamplingManager(deps: ServingDeps): UntypedServiceImplementation {
  const { lookup, replies, polls, clock, instruments } = deps;
  const polled = (result: string) =>
    instruments.counter('spanweir_sampling_polls_total', { transport: 'grpc', result });
  const answered = polled('ok');
  const refused = polled('error');
  return {
    GetSamplingStrategy: (
      call: ServerUnaryCall<SamplingRequest, Buffer>,
      callback: sendUnaryData<Buffer>,
    ): void => {
      let bytes: Buffer;
      try {
        const { service, strategy } = lookup([call.request.serviceName]);
        bytes = replies.proto(strategy);
        polls.record(service, 'grpc', String(call.metadata.get('user-agent')[0] ?? ''), clock.wallMs());
      } catch (error) {
        refused.add(1);
        callback({ code: status.UNKNOWN, details: toError(error).message });
        return;
      }
      answered.add(1);
      callback(null, bytes);
    },
  };
}
