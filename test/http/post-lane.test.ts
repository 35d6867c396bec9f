import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type Rig, startReceiver } from '../receivers/otlp/rig.ts';
import { eventually } from './fakes.ts';

const BODY = Buffer.from('0a00', 'hex');
const LARGE = Buffer.alloc(300_000, 7);

let rig: Rig;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await rig.close();
});

function post(body: Buffer, more: readonly string[] = [], line = 'POST /v1/traces HTTP/1.1'): Buffer {
  const headers = ['Host: a', 'Content-Type: application/x-protobuf', `Content-Length: ${body.length}`];
  return Buffer.concat([Buffer.from(`${[line, ...headers, ...more].join('\r\n')}\r\n\r\n`), body]);
}

/** The same, for node:http. */
const odd = (body: Buffer): Buffer => post(body, ['X-Odd: 1']);

async function connected() {
  const socket = connect({ port: rig.httpPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.setNoDelay(true);
  sockets.push(socket);
  const seen = { text: '', isEnded: false };
  socket.on('data', (data) => {
    seen.text += data.toString('latin1');
  });
  socket.on('end', () => {
    seen.isEnded = true;
  });
  socket.on('close', () => {
    seen.isEnded = true;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return { socket, seen };
}

/** Keeps what the payloads held: their memory is used again. */
async function start(...options: Parameters<typeof startReceiver>): Promise<Buffer[]> {
  rig = await startReceiver(...options);
  const taken: Buffer[] = [];
  rig.lanes = async ({ payload }) => {
    taken.push(Buffer.from(payload));
    return { spans: 1, rejectedSpans: 0, message: '' };
  };
  return taken;
}

const statusesIn = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1] ?? '');
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
const received = (): number | undefined =>
  rig.value('spanweir_receiver_accepted_spans_total', 'transport="http"');
const held = (): number | undefined => rig.valueOf('spanweir_receiver_in_flight_bytes{receiver="otlp"}');

describe('a plain POST', () => {
  test('is answered as node:http would have answered, but for the time', async () => {
    await start();
    const replies: string[] = [];
    for (const request of [post(BODY), odd(BODY)]) {
      const { socket, seen } = await connected();
      socket.write(request);
      await eventually(() => seen.text.endsWith('\r\n\r\n'));
      replies.push(seen.text.replace(/^Date: .*$/m, 'Date: then'));
    }
    expect(replies[0]).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nDate: then\r\n' +
        'Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n',
    );
    expect(replies[1]).toBe(replies[0]);
  });

  test('comes in any pieces, again and again over one connection, and is handed on as it was sent', async () => {
    const taken = await start();
    const { socket, seen } = await connected();
    const bodies = [LARGE, BODY, Buffer.alloc(70_000, 1), Buffer.alloc(1 << 20, 2), BODY];
    for (const [sent, body] of bodies.entries()) {
      const request = post(body);
      const head = request.length - body.length;
      for (const [from, to] of [
        [0, head + 1],
        [head + 1, head + 2],
        [head + 2, request.length],
      ] as const) {
        socket.write(request.subarray(from, to));
        await turn();
      }
      await eventually(() => statusesIn(seen.text).length === sent + 1);
    }
    expect(taken.map((body) => body.length)).toEqual([300_000, 2, 70_000, 1 << 20, 2]);
    expect(taken.every((body, i) => body.equals(bodies[i] ?? BODY))).toBe(true);
    expect(held()).toBe(0);
  });

  test('keeps its bytes to itself where many arrive at once', async () => {
    const taken = await start();
    const lines = await Promise.all(Array.from({ length: 20 }, connected));
    for (let cut = 0; cut < 3; cut++) {
      for (const [i, { socket }] of lines.entries()) {
        const request = post(Buffer.alloc(90_000, i));
        socket.write(request.subarray(cut * 40_000, (cut + 1) * 40_000));
      }
      await turn();
    }
    await eventually(() => taken.length === 20);
    const values = taken.map((body) => (body.every((byte) => byte === body[0]) ? body[0] : -1));
    expect(values.toSorted((a = 0, b = 0) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('is unpacked, and refused when it is damaged', async () => {
    const taken = await start();
    const { socket, seen } = await connected();
    socket.write(post(gzipSync(LARGE), ['Content-Encoding: gzip']));
    await eventually(() => statusesIn(seen.text).length === 1);
    socket.write(post(BODY, ['Content-Encoding: gzip']));
    await eventually(() => statusesIn(seen.text).length === 2);
    expect(statusesIn(seen.text)).toEqual(['200', '400']);
    expect(taken.map((body) => body.equals(LARGE))).toEqual([true]);
    expect(held()).toBe(0);
  });

  test('that unpacks to more than is allowed is refused', async () => {
    await start({ http: { max_request_body_size: 200_000 } });
    const { socket, seen } = await connected();
    socket.write(post(gzipSync(LARGE), ['Content-Encoding: gzip']));
    await eventually(() => statusesIn(seen.text).length === 1);
    expect(statusesIn(seen.text)).toEqual(['413']);
    expect(held()).toBe(0);
  });

  test('for which there is no room any more is refused, also in the midst of its body', async () => {
    const taken = await start({ max_in_flight_mib: 0.1 });
    for (const cut of [10_000, 150_000]) {
      const { socket, seen } = await connected();
      const request = post(LARGE);
      socket.write(request.subarray(0, cut));
      await turn();
      socket.write(request.subarray(cut));
      await eventually(() => statusesIn(seen.text).length === 1);
      expect(statusesIn(seen.text)).toEqual(['503']);
      expect(seen.text).toMatch(/^retry-after: 1\r$/m);
      // The connection goes on as it was, with what comes behind the body.
      socket.write(post(BODY));
      await eventually(() => statusesIn(seen.text).length === 2);
      expect(statusesIn(seen.text)).toEqual(['503', '200']);
    }
    expect(taken).toEqual([BODY, BODY]);
    await eventually(() => held() === 0);
  });
});

test('a body for which there is no room is read to its end, with its limit of time, before the answer', async () => {
  await start(
    { max_in_flight_mib: 0.1 },
    { headersTimeoutMs: 40, requestTimeoutMs: 60, checkIntervalMs: 20 },
  );
  const { socket, seen } = await connected();
  socket.write(post(LARGE).subarray(0, 250_000));
  await turn();
  expect(seen.text).toBe('');
  await eventually(() => seen.isEnded);
  expect(statusesIn(seen.text)).toEqual(['408']);
  await eventually(() => held() === 0);
});

describe('what goes to node:http', () => {
  test.each([
    ['a header that nobody knows', odd(BODY), 200],
    [
      'a chunked body',
      'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
      200,
    ],
    [
      'a length and chunks',
      `POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['two lengths', post(BODY, ['Content-Length: 2']), 400],
    ['a length that is none', 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}', 400],
    ['no length', 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n\r\n', 200],
    ['a line feed alone', 'POST /v1/traces HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}', 400],
    ['a query', post(BODY, [], 'POST /v1/traces?x=1 HTTP/1.1'), 200],
    ['another path', post(BODY, [], 'POST /v1/other HTTP/1.1'), 404],
    ['another method', post(BODY, [], 'PUT /v1/traces HTTP/1.1'), 405],
    ['HTTP/1.0', post(BODY, [], 'POST /v1/traces HTTP/1.0'), 200],
    ['an end of the connection', post(BODY, ['Connection: close']), 200],
    [
      'another type',
      'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
      415,
    ],
    ['another packing', post(BODY, ['Content-Encoding: br']), 415],
    ['no HTTP', 'EHLO there\r\n\r\n', 400],
    ['a large body', post(Buffer.alloc(3 << 20, 1)), 200],
    ['a body that is too large', post(Buffer.alloc(5 << 20, 1)), 413],
  ])('%s', async (_, request, status) => {
    await start({ http: { max_request_body_size: 4 << 20 } });
    // Over a new connection, and over one that was in the lane so far.
    for (const posts of [0, 1]) {
      const { socket, seen } = await connected();
      if (posts === 1) socket.write(post(BODY));
      await eventually(() => statusesIn(seen.text).length === posts);
      const before = seen.text.length;
      socket.write(request);
      await eventually(() => seen.text.length > before);
      expect(statusesIn(seen.text.slice(before))[0]).toBe(String(status));
    }
    await eventually(() => held() === 0);
  });

  test('a body that is announced', async () => {
    const taken = await start();
    const { socket, seen } = await connected();
    const request = post(BODY, ['Expect: 100-continue']);
    socket.write(request.subarray(0, -2));
    await eventually(() => statusesIn(seen.text)[0] === '100');
    socket.write(BODY);
    await eventually(() => statusesIn(seen.text)[1] === '200');
    expect(taken).toEqual([BODY]);
  });

  test('several requests at once, answered in order', async () => {
    const taken = await start();
    const { socket, seen } = await connected();
    socket.write(Buffer.concat([post(BODY), post(LARGE), odd(BODY), post(BODY)]));
    await eventually(() => statusesIn(seen.text).length === 4);
    expect(taken.map((body) => body.length)).toEqual([2, 300_000, 2, 2]);
  });

  test('requests that come before the answer to the last, which they wait for', async () => {
    const taken = await start();
    const answers: (() => void)[] = [];
    const lanes = rig.lanes;
    rig.lanes = async (request) => {
      const verdict = await lanes(request);
      await new Promise<void>((resolve) => answers.push(resolve));
      return verdict;
    };
    const { socket, seen } = await connected();
    socket.write(post(BODY));
    await eventually(() => answers.length === 1);
    for (let i = 0; i < 3; i++) {
      socket.write(post(LARGE));
      await turn();
    }
    expect(taken).toHaveLength(1);
    for (let sent = 1; sent <= 4; sent++) {
      await eventually(() => answers.length > 0);
      answers.shift()?.();
      await eventually(() => statusesIn(seen.text).length === sent);
    }
    expect(taken.map((body) => body.length)).toEqual([2, 300_000, 300_000, 300_000]);
  });

  test('a head that comes in pieces, wherever it is cut', async () => {
    const taken = await start();
    const request = post(BODY);
    for (let cut = 1; cut < request.length - 2; cut += 9) {
      const { socket, seen } = await connected();
      socket.write(request.subarray(0, cut));
      await turn();
      socket.write(request.subarray(cut));
      await eventually(() => statusesIn(seen.text)[0] === '200');
      // It stays there, and posts over it are answered.
      socket.write(request);
      await eventually(() => statusesIn(seen.text)[1] === '200');
    }
    expect(taken.every((body) => body.equals(BODY))).toBe(true);
    expect(received()).toBe(taken.length);
  });
});

describe('a connection that brings posts', () => {
  const refusals = (reason: string): number | undefined =>
    rig.valueOf(`spanweir_http_refused_total{reason="${reason}"}`);

  test.each([
    ['nothing', ''],
    ['half a head', 'POST /v1/traces HT'],
    ['half a body', post(LARGE).subarray(0, 100_000)],
  ])('over which %s comes is told that it takes too long, counted and ended', async (_, sent) => {
    await start({}, { headersTimeoutMs: 40, requestTimeoutMs: 60, checkIntervalMs: 20 });
    const { socket, seen } = await connected();
    if (sent.length > 0) socket.write(sent);
    await eventually(() => seen.isEnded);
    expect(seen.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/);
    expect(refusals('timeout')).toBe(1);
    await eventually(() => held() === 0);
  });

  test('is kept while it is not idle for too long', async () => {
    await start({}, { headersTimeoutMs: 20, keepAliveTimeoutMs: 200, checkIntervalMs: 10 });
    const { socket, seen } = await connected();
    const startMs = performance.now();
    socket.write(post(BODY));
    await eventually(() => seen.isEnded);
    expect(performance.now() - startMs).toBeGreaterThan(190);
    expect(statusesIn(seen.text)).toEqual(['200']);
    expect(refusals('timeout')).toBe(0);
  });

  test('has its answer when its client ends it behind the request', async () => {
    await start();
    const { socket, seen } = await connected();
    socket.end(post(LARGE));
    await eventually(() => seen.isEnded);
    expect(statusesIn(seen.text)).toEqual(['200']);
  });

  test.each([
    ['ends', (socket: Socket): unknown => socket.end()],
    ['breaks off', (socket: Socket): unknown => socket.resetAndDestroy()],
  ])('that its client %s in the midst of a body counts as given up', async (_, leave) => {
    const taken = await start();
    const { socket, seen } = await connected();
    socket.write(post(LARGE).subarray(0, 200_000));
    await eventually(() => (held() ?? 0) > 0);
    leave(socket);
    await eventually(() => seen.isEnded && held() === 0);
    expect(taken).toEqual([]);
    const name = 'spanweir_receiver_refused_requests_total';
    expect(rig.value(name, 'transport="http",reason="aborted"')).toBe(1);
    const other = await connected();
    other.socket.write(post(BODY));
    await eventually(() => statusesIn(other.seen.text)[0] === '200');
  });

  test('counts among those that there may be, until it is closed', async () => {
    await start({}, { maxConnections: 1 });
    const first = await connected();
    first.socket.write(post(BODY));
    await eventually(() => statusesIn(first.seen.text).length === 1);
    const second = await connected();
    await eventually(() => second.seen.isEnded);
    expect(refusals('connections')).toBe(1);
    first.socket.destroy();
    await eventually(async () => {
      const third = await connected();
      third.socket.write(post(BODY));
      await eventually(() => third.seen.isEnded || third.seen.text !== '');
      return statusesIn(third.seen.text)[0] === '200';
    });
  });
});

describe('when the listener closes', () => {
  test('what is in hand is answered, what is idle ends, and what is half there is finished', async () => {
    const taken = await start();
    let answer = (): void => {};
    const lanes = rig.lanes;
    const idle = await connected();
    idle.socket.write(post(BODY));
    await eventually(() => statusesIn(idle.seen.text).length === 1);
    const half = await connected();
    half.socket.write(post(LARGE).subarray(0, 100_000));
    await eventually(() => (held() ?? 0) > 0);
    const inHand = await connected();
    rig.lanes = async (request) => {
      const verdict = await lanes(request);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return verdict;
    };
    inHand.socket.write(post(BODY));
    await eventually(() => taken.length === 2);
    const closed = rig.close();
    await eventually(() => idle.seen.isEnded);
    answer();
    rig.lanes = lanes;
    half.socket.write(post(LARGE).subarray(100_000));
    await eventually(() => inHand.seen.isEnded && half.seen.isEnded);
    await closed;
    expect(statusesIn(inHand.seen.text)).toEqual(['200']);
    expect(inHand.seen.text).toMatch(/^connection: close\r$/m);
    expect(statusesIn(half.seen.text)).toEqual(['200']);
    expect(taken[2]?.equals(LARGE)).toBe(true);
  });

  test('what is left is cut at the deadline', async () => {
    await start();
    const { socket, seen } = await connected();
    socket.write(post(LARGE).subarray(0, 100_000));
    await eventually(() => (held() ?? 0) > 0);
    await rig.close();
    await eventually(() => seen.isEnded && held() === 0);
    expect(seen.text).toBe('');
  });
});
