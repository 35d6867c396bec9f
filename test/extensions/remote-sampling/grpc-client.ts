import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { requestOfService, strategyOfReply } from '../../../src/sampling/strategies/strategy-proto.ts';

const PATH = '/jaeger.api_v2.SamplingManager/GetSamplingStrategy';
const same = (bytes: Buffer): Buffer => bytes;

/** The strategy of a service as a client of gRPC gets it; rejects with the library's error. */
export function pollGrpc(
  port: number,
  service: string,
  headers: Readonly<Record<string, string>> = {},
  options: ClientOptions & { readonly channel?: ReturnType<typeof credentials.createSsl> } = {},
): Promise<ReturnType<typeof strategyOfReply>> {
  const { channel = credentials.createInsecure(), ...rest } = options;
  const client = new Client(`localhost:${port}`, channel, rest);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, reply?: Buffer): void => {
      client.close();
      if (error !== null || reply === undefined) reject(error);
      else resolve(strategyOfReply(reply));
    };
    client.makeUnaryRequest(PATH, same, same, requestOfService(service), metadata, {}, done);
  });
}
