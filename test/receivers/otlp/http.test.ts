import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import { eventually } from '../../http/fakes.ts';
import { type Rig, startReceiver } from './rig.ts';

let rig: Rig;
afterEach(() => rig.close());

const PROTO = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const bytes = (hex: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = PROTO,
  path = '/v1/traces',
): Promise<Response> {
  return fetch(`http://127.0.0.1:${rig.httpPort}${path}`, { method: 'POST', body, headers });
}

async function hexOf(response: Response): Promise<string> {
  return Buffer.from(await response.arrayBuffer()).toString('hex');
}

describe('OTLP over HTTP', () => {
  it('hands protobuf on as it came and answers 200 with an empty message', async () => {
    rig = await startReceiver();
    const answer = await post(bytes('0a00'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-protobuf');
    expect(await hexOf(answer)).toBe('');
    expect(rig.taken).toHaveLength(1);
    expect(Buffer.from(rig.taken[0]?.payload ?? []).toString('hex')).toBe('0a00');
    expect(rig.taken[0]?.encoding).toBe('otlp_proto');
    expect(Math.abs((rig.taken[0]?.timestampMs ?? 0) - Date.now())).toBeLessThan(5000);
    expect(rig.value('spanweir_receiver_accepted_spans_total', 'transport="http"')).toBe(1);
  });

  it('gives every payload an ArrayBuffer of its own, so that it can be transferred', async () => {
    rig = await startReceiver();
    await post(bytes('0a00'));
    expect(rig.taken[0]?.payload.buffer.byteLength).toBe(2);
  });

  it('takes JSON, with a charset too, and answers in JSON', async () => {
    rig = await startReceiver();
    const answer = await post('{"resourceSpans":[]}', { 'content-type': 'application/json; charset=utf-8' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.text()).toBe('{}');
    expect(rig.taken[0]?.encoding).toBe('otlp_json');
  });

  it('tells of spans that were rejected, in the encoding of the request', async () => {
    rig = await startReceiver();
    rig.lanes = async () => ({ spans: 5, rejectedSpans: 2, message: 'bad' });
    // partial_success (1) { rejected_spans (1) = 2, error_message (2) = "bad" }
    expect(await hexOf(await post(bytes('0a00')))).toBe('0a0708021203626164');
    expect(await (await post('{}', JSON_TYPE)).json()).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: 'bad' },
    });
    expect(rig.value('spanweir_receiver_rejected_spans_total', 'transport="http"')).toBe(4);
    expect(rig.value('spanweir_receiver_accepted_spans_total', 'transport="http"')).toBe(10);
  });

  it('answers an empty protobuf body, a request without spans, at once', async () => {
    rig = await startReceiver();
    expect((await post('')).status).toBe(200);
    expect(rig.taken).toHaveLength(0);
  });

  it.each([
    ['gzip', gzipSync(Buffer.from('0a00', 'hex'))],
    ['deflate', deflateSync(Buffer.from('0a00', 'hex'))],
    ['identity', Buffer.from('0a00', 'hex')],
    ['GZIP', gzipSync(Buffer.from('0a00', 'hex'))],
  ])('unpacks %s', async (encoding, body) => {
    rig = await startReceiver();
    const answer = await post(new Uint8Array(body), { ...PROTO, 'content-encoding': encoding });
    expect(answer.status).toBe(200);
    expect(Buffer.from(rig.taken[0]?.payload ?? []).toString('hex')).toBe('0a00');
  });

  it('answers bad data with 400 and a google.rpc.Status in the encoding of the request', async () => {
    rig = await startReceiver();
    rig.lanes = async () => {
      throw new SpanweirError('BAD_DATA', 'cut off');
    };
    const answer = await post(bytes('0a05'));
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/x-protobuf');
    expect(answer.headers.get('retry-after')).toBeNull();
    // code (1) = 3, message (2) = "cut off"
    expect(await hexOf(answer)).toBe(`08031207${Buffer.from('cut off').toString('hex')}`);
    const json = await post('{', JSON_TYPE);
    expect([json.status, await json.json()]).toEqual([400, { code: 3, message: 'cut off' }]);
    expect(rig.value('spanweir_receiver_refused_requests_total', 'transport="http",reason="bad_data"')).toBe(
      2,
    );
  });

  it.each([
    ['UNAVAILABLE', 2500, '3', '2.5s'],
    ['STOPPING', undefined, '1', '1s'],
    ['OVER_LIMIT', 200, '1', '0.2s'],
    ['FENCED', undefined, '1', '1s'],
  ] as const)('answers %s with 503, Retry-After and RetryInfo', async (code, retryAfterMs, header, delay) => {
    rig = await startReceiver();
    rig.lanes = async () => {
      throw new SpanweirError(
        code,
        'later',
        retryAfterMs === undefined ? {} : { retry: 'backoff', retryAfterMs },
      );
    };
    const answer = await post('{}', JSON_TYPE);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe(header);
    expect(await answer.json()).toEqual({
      code: 14,
      message: 'later',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: delay }],
    });
  });

  it('keeps what went wrong inside to itself', async () => {
    rig = await startReceiver();
    rig.lanes = async () => {
      throw new TypeError('a secret');
    };
    const answer = await post('{}', JSON_TYPE);
    expect([answer.status, await answer.json()]).toEqual([500, { code: 13, message: 'internal error' }]);
  });

  it('refuses other media types, methods and paths', async () => {
    rig = await startReceiver();
    expect((await post('x', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post('x', { ...PROTO, 'content-encoding': 'zstd' })).status).toBe(415);
    const get = await fetch(`http://127.0.0.1:${rig.httpPort}/v1/traces`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    for (const path of ['/v1/metrics', '/v1/logs', '/', '/v1/traces/']) {
      expect((await post('', PROTO, path)).status).toBe(404);
    }
    expect(rig.taken).toHaveLength(0);
  });

  it('stops a bomb at the bound, and one of damaged gzip', async () => {
    rig = await startReceiver({ http: { max_request_body_size: 1_000_000 } });
    const bomb = gzipSync(Buffer.alloc(1_000_000_000 / 10));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await post(new Uint8Array(bomb), { ...PROTO, 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
    expect(answer.headers.get('retry-after')).toBeNull();
    const cut = new Uint8Array(gzipSync(Buffer.alloc(1000)).subarray(0, -6));
    expect((await post(cut, { ...PROTO, 'content-encoding': 'gzip' })).status).toBe(400);
    const notGzip = await post(bytes('0a00'), { ...PROTO, 'content-encoding': 'gzip' });
    expect(notGzip.status).toBe(400);
    expect(rig.value('spanweir_receiver_in_flight_bytes', '')).toBeUndefined();
    expect(rig.taken).toHaveLength(0);
  });

  it('takes gzip that says too little or too much about its size, as long as what is in it is within the bound', async () => {
    rig = await startReceiver({ http: { max_request_body_size: 10_000 } });
    const [one, two] = [gzipSync(Buffer.alloc(900, 1)), gzipSync(Buffer.alloc(100, 2))];
    const members = new Uint8Array(Buffer.concat([one, two]));
    expect((await post(members, { ...PROTO, 'content-encoding': 'gzip' })).status).toBe(200);
    expect(rig.taken[0]?.payload).toHaveLength(1000);
    const large = new Uint8Array(Buffer.concat([gzipSync(Buffer.alloc(9901)), two]));
    expect((await post(large, { ...PROTO, 'content-encoding': 'gzip' })).status).toBe(413);
  });

  it('stops a stream of empty gzip members, which unpack to nothing for ever', async () => {
    rig = await startReceiver({ http: { max_request_body_size: 10_000 } });
    const empty = gzipSync(Buffer.alloc(0));
    const body = new Uint8Array(Buffer.concat(Array.from({ length: 1000 }, () => empty)));
    const answer = await post(body, { ...PROTO, 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
  });

  it('takes a body of exactly the bound and refuses one byte more, chunked too', async () => {
    rig = await startReceiver({ http: { max_request_body_size: 1000 } });
    expect((await post(new Uint8Array(1000))).status).toBe(200);
    expect((await post(new Uint8Array(1001))).status).toBe(413);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < 11; i++) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
    const chunked = await fetch(`http://127.0.0.1:${rig.httpPort}/v1/traces`, {
      method: 'POST',
      body: stream,
      headers: PROTO,
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  it('refuses what goes beyond the bytes in flight, and takes again when there is room', async () => {
    rig = await startReceiver({ max_in_flight_mib: 0.001 });
    let release = (): void => undefined;
    rig.lanes = () =>
      new Promise((resolve) => {
        release = () => resolve({ spans: 1, rejectedSpans: 0, message: '' });
      });
    const first = post(new Uint8Array(900));
    await eventually(() => rig.taken.length === 1);
    const second = await post(new Uint8Array(900));
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    release();
    expect((await first).status).toBe(200);
    rig.lanes = async () => ({ spans: 1, rejectedSpans: 0, message: '' });
    expect((await post(new Uint8Array(900))).status).toBe(200);
  });

  it('refuses in time when the lanes do not answer, and holds the bytes until they do', async () => {
    rig = await startReceiver({ timeout: '50ms', max_in_flight_mib: 0.001 });
    let release = (): void => undefined;
    rig.lanes = () =>
      new Promise((resolve) => {
        release = () => resolve({ spans: 1, rejectedSpans: 0, message: '' });
      });
    expect((await post(new Uint8Array(900))).status).toBe(503);
    expect((await post(new Uint8Array(900))).status).toBe(503);
    expect(rig.taken).toHaveLength(1);
    release();
    rig.lanes = async () => ({ spans: 1, rejectedSpans: 0, message: '' });
    await eventually(async () => (await post(new Uint8Array(900))).status === 200);
  });

  it('gives back what it held for a client that lies about its length and goes', async () => {
    rig = await startReceiver({ max_in_flight_mib: 0.001 });
    const head = 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n';
    const socket = connect(rig.httpPort, '127.0.0.1', () => {
      socket.write(`${head}Content-Length: 1000\r\n\r\n${'x'.repeat(900)}`);
    });
    await eventually(async () => (await post(new Uint8Array(900))).status === 503);
    socket.destroy();
    await eventually(async () => (await post(new Uint8Array(900))).status === 200);
    expect(rig.value('spanweir_receiver_refused_requests_total', 'transport="http",reason="aborted"')).toBe(
      1,
    );
  });

  it('ends a client that sends a byte now and then', async () => {
    rig = await startReceiver({}, { requestTimeoutMs: 100, headersTimeoutMs: 50, checkIntervalMs: 20 });
    const head = 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n';
    let answer = '';
    const socket = connect(rig.httpPort, '127.0.0.1', () => socket.write(`${head}Content-Length: 9\r\n\r\n`));
    const drip = setInterval(() => socket.write('x'), 30);
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 408/);
    expect(rig.taken).toHaveLength(0);
  });

  it('refuses everything once it stops', async () => {
    rig = await startReceiver();
    await rig.stopReceiver();
    const answer = await post(bytes('0a00'));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(rig.taken).toHaveLength(0);
  });

  it('answers the preflight of an allowed page', async () => {
    rig = await startReceiver({ http: { cors: { allowed_origins: ['http://localhost:3000'] } } });
    const answer = await fetch(`http://127.0.0.1:${rig.httpPort}/v1/traces`, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  });

  it('takes spans on the path that is configured', async () => {
    rig = await startReceiver({ http: { traces_url_path: '/in' } });
    expect((await post(bytes('0a00'), PROTO, '/in')).status).toBe(200);
    expect((await post(bytes('0a00'))).status).toBe(404);
  });
});
