import {
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { toError } from '../../../base/errors.ts';
import { serviceOfRequest } from '../../../sampling/strategies/strategy-proto.ts';
import { samplingDescriptor } from './sampling-descriptor.ts';
import { createPollRecorder, type FoundStrategy, isPassing, type ServingDeps } from './serving.ts';

export interface SamplingRequest {
  readonly serviceName: string;
}

type Call = ServerUnaryCall<SamplingRequest, Buffer>;

const described = { fileDescriptorProtos: [samplingDescriptor()] };

/** Replies go as bytes that were encoded before. */
const getSamplingStrategy = {
  path: '/jaeger.api_v2.SamplingManager/GetSamplingStrategy',
  originalName: 'getSamplingStrategy',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  // An object, since the library takes a request that is falsy for none at all.
  requestDeserialize: (bytes: Buffer): SamplingRequest => ({ serviceName: serviceOfRequest(bytes) }),
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
  // What reflection tells.
  requestType: described,
  responseType: described,
} as const;

export const SAMPLING_PATH = getSamplingStrategy.path;
export const samplingManager: ServiceDefinition = { GetSamplingStrategy: getSamplingStrategy };

export function createSamplingManager(deps: ServingDeps): UntypedServiceImplementation {
  const { lookup, replies, clock, instruments } = deps;
  const record = createPollRecorder(deps);
  const polled = (result: string) =>
    instruments.counter('spanweir_sampling_polls_total', { transport: 'grpc', result });
  const answered = polled('ok');
  const refused = polled('error');

  const fail = (callback: sendUnaryData<Buffer>, error: unknown): void => {
    refused.add(1);
    const code = isPassing(error) ? status.UNAVAILABLE : status.UNKNOWN;
    callback({ code, details: toError(error).message });
  };
  const answer = (call: Call, callback: sendUnaryData<Buffer>, found: FoundStrategy): void => {
    let bytes: Buffer;
    try {
      bytes = replies.proto(found.strategy);
    } catch (error) {
      fail(callback, error);
      return;
    }
    const [userAgent, contentType] = ['user-agent', 'content-type'].map((name) => call.metadata.get(name)[0]);
    record({
      service: found.service,
      ...peerOf(call),
      userAgent: String(userAgent ?? ''),
      transport: 'grpc',
      sendsContentType: contentType !== undefined,
      atMs: clock.wallMs(),
    });
    answered.add(1);
    callback(null, bytes);
  };
  const answerLate = async (
    call: Call,
    callback: sendUnaryData<Buffer>,
    found: Promise<FoundStrategy>,
  ): Promise<void> => {
    try {
      answer(call, callback, await found);
    } catch (error) {
      fail(callback, error);
    }
  };
  return {
    GetSamplingStrategy: (call: Call, callback: sendUnaryData<Buffer>): void => {
      let found: FoundStrategy | Promise<FoundStrategy>;
      try {
        found = lookup([call.request.serviceName]);
      } catch (error) {
        fail(callback, error);
        return;
      }
      if (found instanceof Promise) void answerLate(call, callback, found);
      else answer(call, callback, found);
    },
  };
}

/** `10.0.0.1:5000` or `[::1]:5000`, where the client can be told at all. */
function peerOf(call: Call): { readonly address: string; readonly connection: number } {
  const peer = call.getPeer?.() ?? '';
  const colon = peer.lastIndexOf(':');
  const port = Number(peer.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port)) return { address: peer, connection: 0 };
  return { address: peer.slice(0, colon), connection: port };
}
