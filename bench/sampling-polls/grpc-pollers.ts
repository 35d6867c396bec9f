import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { PollFigures } from '../support/poll-figures.ts';

const PATH = '/jaeger.api_v2.SamplingManager/GetSamplingStrategy';
const same = (bytes: Buffer): Buffer => bytes;

export interface AskedOverGrpc {
  readonly requestOf: (poll: number) => Buffer;
  readonly isRight: (poll: number, reply: Buffer) => boolean;
}

/** Each connection polls again as soon as it has its reply, as the SDK of Java asks. */
export async function pollGrpcClosedLoop(
  port: number,
  connections: number,
  seconds: number,
  { requestOf, isRight }: AskedOverGrpc,
): Promise<PollFigures> {
  const clients = Array.from(
    { length: connections },
    () =>
      new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  const metadata = new Metadata();
  const latenciesMs: number[] = [];
  let sent = 0;
  let wrong = 0;
  const ask = (client: Client): Promise<void> => {
    const poll = sent++;
    const startMs = performance.now();
    return new Promise((resolve) => {
      client.makeUnaryRequest(PATH, same, same, requestOf(poll), metadata, {}, (error, reply?: Buffer) => {
        if (error !== null || reply === undefined || !isRight(poll, reply)) wrong += 1;
        latenciesMs.push(performance.now() - startMs);
        resolve();
      });
    });
  };
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < untilMs) await ask(client);
      client.close();
    }),
  );
  return {
    polls: sent,
    wrong,
    seconds: (performance.now() - startMs) / 1000,
    latenciesMs: Float64Array.from(latenciesMs).sort(),
  };
}
