import { compressionAlgorithms } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import { eventually } from '../../http/fakes.ts';
import { grpcExport, type Rig, startReceiver } from './rig.ts';

let rig: Rig;
afterEach(() => rig.close());

const payload = Buffer.from('0a00', 'hex');
const GZIP = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };

describe('OTLP over gRPC', () => {
  it('hands the bytes on as they came and answers OK', async () => {
    rig = await startReceiver();
    const reply = await grpcExport(rig.grpcPort, payload);
    expect([reply.code, reply.message?.toString('hex')]).toEqual([0, '']);
    expect(Buffer.from(rig.taken[0]?.payload ?? []).toString('hex')).toBe('0a00');
    expect(rig.taken[0]?.encoding).toBe('otlp_proto');
    expect(rig.value('spanweir_receiver_accepted_spans_total', 'transport="grpc"')).toBe(1);
  });

  it('unpacks gzip', async () => {
    rig = await startReceiver();
    expect((await grpcExport(rig.grpcPort, Buffer.alloc(5000, 7), GZIP)).code).toBe(0);
    expect(rig.taken[0]?.payload.length).toBe(5000);
  });

  it('tells of spans that were rejected', async () => {
    rig = await startReceiver();
    rig.lanes = async () => ({ spans: 5, rejectedSpans: 2, message: 'bad' });
    const reply = await grpcExport(rig.grpcPort, payload);
    expect(reply.message?.toString('hex')).toBe('0a0708021203626164');
  });

  it('answers bad data with INVALID_ARGUMENT, which is not sent again', async () => {
    rig = await startReceiver();
    rig.lanes = async () => {
      throw new SpanweirError('BAD_DATA', 'cut off');
    };
    const reply = await grpcExport(rig.grpcPort, payload);
    expect([reply.code, reply.details]).toEqual([3, 'cut off']);
    expect(reply.status?.toString('hex')).toBe('08031207637574206f6666');
  });

  it('answers an outage with UNAVAILABLE and RetryInfo in the trailer', async () => {
    rig = await startReceiver();
    rig.lanes = async () => {
      throw new SpanweirError('UNAVAILABLE', 'later', { retry: 'backoff', retryAfterMs: 2500 });
    };
    const reply = await grpcExport(rig.grpcPort, payload);
    expect([reply.code, reply.details]).toEqual([14, 'later']);
    const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
    // retry_delay (1) { seconds (1) = 2, nanos (2) = 500,000,000 }
    const info = '0a0808021080cab5ee01';
    const any = `0a${type.length.toString(16)}${type.toString('hex')}120a${info}`;
    const expected = `080e12056c617465721a${(any.length / 2).toString(16)}${any}`;
    expect(reply.status?.toString('hex')).toBe(expected);
  });

  it('refuses a message beyond max_recv_msg_size_mib, also one that only unpacks to it', async () => {
    rig = await startReceiver({ grpc: { max_recv_msg_size_mib: 1 } });
    const bomb = Buffer.alloc(50_000_000);
    expect((await grpcExport(rig.grpcPort, bomb, GZIP)).code).toBe(8);
    expect((await grpcExport(rig.grpcPort, Buffer.alloc(1_100_000))).code).toBe(8);
    expect((await grpcExport(rig.grpcPort, Buffer.alloc(1_000_000))).code).toBe(0);
    expect(rig.taken).toHaveLength(1);
  });

  it('refuses what goes beyond the bytes in flight', async () => {
    rig = await startReceiver({ max_in_flight_mib: 0.001 });
    let release = (): void => undefined;
    rig.lanes = () =>
      new Promise((resolve) => {
        release = () => resolve({ spans: 1, rejectedSpans: 0, message: '' });
      });
    const first = grpcExport(rig.grpcPort, Buffer.alloc(900));
    await eventually(() => rig.taken.length === 1);
    expect((await grpcExport(rig.grpcPort, Buffer.alloc(900))).code).toBe(14);
    release();
    expect((await first).code).toBe(0);
    expect(
      rig.value('spanweir_receiver_refused_requests_total', 'transport="grpc",reason="in_flight_limit"'),
    ).toBe(1);
  });

  it('refuses everything once it stops', async () => {
    rig = await startReceiver();
    await rig.stopReceiver();
    const reply = await grpcExport(rig.grpcPort, payload);
    expect([reply.code, reply.details, rig.taken.length]).toEqual([14, 'stopping', 0]);
  });
});
