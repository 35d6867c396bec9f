import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { ReadyReply } from '../../src/flow/host.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import { createHttpListeners, type HttpListeners } from '../../src/http/listeners.ts';
import { eventually, FakeInstruments, recordingLog, within } from './fakes.ts';

const POLL = 'GET /poll?x=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n';
/** The same, for node:http. */
const ODD = 'GET /poll?x=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nX-Odd: 1\r\n\r\n';

const open: HttpListeners[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  const deadline = within(2000);
  for (const made of open.splice(0)) await made.close(deadline);
  deadline.end();
});

/** A listener with one path that is ready with `body`, and who answered how often. */
async function start(body = 'hello', limits: Partial<HttpLimits> = {}, ready = () => true) {
  const answers = { ready: 0, plain: 0 };
  const instruments = new FakeInstruments();
  const listeners = createHttpListeners({ clock: systemClock, log: recordingLog(), instruments, limits });
  open.push(listeners);
  const routes = listeners.http({ host: '127.0.0.1', port: 0 }, 'x.endpoint');
  const headers = `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n`;
  routes.plain(
    '/poll',
    (request, response) => {
      answers.plain += 1;
      request.resume();
      response.writeHead(200, ['Content-Type', 'text/plain', 'Content-Length', String(body.length)]);
      response.end(request.method === 'HEAD' ? undefined : body, 'latin1');
    },
    (): ReadyReply | undefined => {
      if (!ready()) return undefined;
      answers.ready += 1;
      return { headers, body };
    },
  );
  await listeners.open();
  return { answers, listeners, port: routes.port(), instruments };
}

/** A connection and all that has come over it. */
async function connected(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
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

const repliesIn = (text: string): number => text.split('HTTP/1.1 200 OK\r\n').length - 1;
const withoutDate = (text: string): string => text.replace(/^Date: .*$/m, 'Date: then');

describe('what the fast lane answers', () => {
  test('is what node:http would have answered, byte for byte', async () => {
    const { answers, port } = await start('h\u00e9llo', { keepAliveTimeoutMs: 12_345 });
    const texts: string[] = [];
    for (const request of [POLL, ODD]) {
      const { socket, seen } = await connected(port);
      socket.write(request);
      await eventually(() => seen.text.endsWith('llo'));
      texts.push(withoutDate(seen.text));
    }
    expect(answers).toEqual({ ready: 1, plain: 1 });
    expect(texts[0]).toBe(
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nDate: then\r\n' +
        'Connection: keep-alive\r\nKeep-Alive: timeout=12\r\n\r\nh\u00e9llo',
    );
    expect(texts[1]).toBe(texts[0]);
  });

  test('has the time of day', async () => {
    const { port } = await start();
    const { socket, seen } = await connected(port);
    const beforeMs = Date.now();
    socket.write(POLL);
    await eventually(() => seen.text.includes('hello'));
    const date = /^Date: (.*)\r$/m.exec(seen.text)?.[1] ?? '';
    expect(date).toMatch(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
    expect(Date.parse(date)).toBeGreaterThan(beforeMs - 1001);
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now());
  });

  test('comes again over the same connection', async () => {
    const { answers, port } = await start();
    const { socket, seen } = await connected(port);
    for (let polls = 1; polls <= 3; polls++) {
      socket.write(POLL);
      await eventually(() => repliesIn(seen.text) === polls);
    }
    expect(answers).toEqual({ ready: 3, plain: 0 });
  });
});

describe('what goes to node:http', () => {
  test.each([
    ['a header that nobody knows', ODD, 200],
    ['a HEAD', 'HEAD /poll HTTP/1.1\r\nHost: a\r\n\r\n', 200],
    ['a body', 'POST /poll HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', 200],
    ['HTTP/1.0', 'GET /poll HTTP/1.0\r\n\r\n', 200],
    ['an end of the connection', 'GET /poll HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200],
    ['another path', 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['no host', 'GET /poll HTTP/1.1\r\nAccept: b\r\n\r\n', 400],
    ['no HTTP', 'EHLO there\r\n\r\n', 400],
    ['a long target', `GET /poll?${'x'.repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['long headers', `GET /poll HTTP/1.1\r\nHost: a\r\nAccept: ${'x'.repeat(3000)}\r\n\r\n`, 431],
  ])('%s', async (_, request, status) => {
    const limits = { maxTargetBytes: 256, maxHeaderBytes: 2048 };
    const { answers, port } = await start('hello', limits);
    // Over a new connection, and over one that was in the lane so far.
    for (const polls of [0, 1]) {
      const { socket, seen } = await connected(port);
      if (polls === 1) socket.write(POLL);
      await eventually(() => repliesIn(seen.text) === polls);
      const before = seen.text.length;
      socket.write(request);
      await eventually(() => seen.text.length > before);
      expect(seen.text.slice(before)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    expect(answers).toEqual({ ready: 1, plain: status === 200 ? 2 : 0 });
  });

  test('stays there, and polls over it are answered', async () => {
    const { answers, port } = await start();
    const { socket, seen } = await connected(port);
    for (const [polls, request] of [POLL, ODD, POLL, POLL].entries()) {
      socket.write(request);
      await eventually(() => repliesIn(seen.text) === polls + 1);
    }
    expect(answers).toEqual({ ready: 1, plain: 3 });
  });

  test('several requests at once, answered in order', async () => {
    const { answers, port } = await start();
    const { socket, seen } = await connected(port);
    socket.write(POLL + POLL + ODD);
    await eventually(() => repliesIn(seen.text) === 3);
    expect(answers).toEqual({ ready: 0, plain: 3 });
  });

  test('a request that comes in pieces, wherever it is cut', async () => {
    const { port } = await start();
    for (let cut = 1; cut < POLL.length; cut += 7) {
      const { socket, seen } = await connected(port);
      socket.setNoDelay(true);
      socket.write(POLL.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(POLL.slice(cut));
      await eventually(() => seen.text.endsWith('hello'));
      expect(repliesIn(seen.text)).toBe(1);
    }
  });

  test('what the handler is not ready for, or throws at', async () => {
    for (const ready of [
      () => false,
      () => {
        throw new Error('not now');
      },
    ]) {
      const { answers, port } = await start('hello', {}, ready);
      const { socket, seen } = await connected(port);
      socket.write(POLL);
      await eventually(() => seen.text.endsWith('hello'));
      expect(answers).toEqual({ ready: 0, plain: 1 });
    }
  });

  test('a client that does not read, so that what waits for it is bounded', async () => {
    const body = 'x'.repeat(4 << 20);
    const { answers, port } = await start(body);
    const { socket, seen } = await connected(port);
    socket.pause();
    for (let polls = 0; polls < 6; polls++) {
      await new Promise((resolve) => socket.write(POLL, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => answers.ready + answers.plain >= 2);
    expect(answers.ready).toBeLessThan(4);
    expect(answers.ready + answers.plain).toBeLessThan(6);
    socket.resume();
    await eventually(() => repliesIn(seen.text) === 6 && seen.text.endsWith('x'));
    expect(answers.ready + answers.plain).toBe(6);
  });
});

describe('a connection in the fast lane', () => {
  test('over which nothing comes is told so, counted and ended', async () => {
    const { port, instruments } = await start('hello', { headersTimeoutMs: 50, checkIntervalMs: 20 });
    const { seen } = await connected(port);
    await eventually(() => seen.isEnded);
    expect(seen.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/);
    expect(instruments.values.get('spanweir_http_refused_total{reason="timeout"}')).toBe(1);
  });

  test('over which half a request comes is told the same', async () => {
    const { port } = await start('hello', {
      headersTimeoutMs: 50,
      requestTimeoutMs: 60,
      checkIntervalMs: 20,
    });
    const { socket, seen } = await connected(port);
    socket.write('GET /poll HTTP/1.1\r\nHo');
    await eventually(() => seen.isEnded);
    expect(seen.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test('is ended when it was idle for too long, and kept until then', async () => {
    const { port, instruments } = await start('hello', { headersTimeoutMs: 20, keepAliveTimeoutMs: 300 });
    const { socket, seen } = await connected(port);
    const startMs = performance.now();
    socket.write(POLL);
    await eventually(() => seen.isEnded);
    expect(performance.now() - startMs).toBeGreaterThan(280);
    expect(repliesIn(seen.text)).toBe(1);
    expect(seen.text.endsWith('hello')).toBe(true);
    expect(instruments.values.get('spanweir_http_refused_total{reason="timeout"}')).toBe(0);
  });

  test('ends when its client does', async () => {
    const { port } = await start();
    const { socket, seen } = await connected(port);
    socket.end(POLL);
    await eventually(() => seen.isEnded);
    expect(seen.text.endsWith('hello')).toBe(true);
  });

  test('that its client breaks off leaves the others alone', async () => {
    const { port } = await start('x'.repeat(4 << 20));
    const { socket } = await connected(port);
    socket.write(POLL);
    await once(socket, 'data');
    socket.resetAndDestroy();
    const other = await connected(port);
    other.socket.write(POLL);
    await eventually(() => other.seen.text.length > 4 << 20);
  });

  test('counts among the connections that there may be', async () => {
    const { port, instruments } = await start('hello', { maxConnections: 1 });
    const { socket, seen } = await connected(port);
    socket.write(POLL);
    await eventually(() => repliesIn(seen.text) === 1);
    const second = await connected(port);
    await eventually(() => second.seen.isEnded);
    expect(instruments.values.get('spanweir_http_refused_total{reason="connections"}')).toBe(1);
  });
});

describe('when the listener closes', () => {
  test('idle connections are ended at once', async () => {
    const { port, listeners } = await start();
    const asked = await connected(port);
    asked.socket.write(POLL);
    await eventually(() => repliesIn(asked.seen.text) === 1);
    const silent = await connected(port);
    const deadline = within(5000);
    await listeners.close(deadline);
    expect(deadline.signal.aborted).toBe(false);
    deadline.end();
    await eventually(() => asked.seen.isEnded && silent.seen.isEnded);
  });

  test('a reply that is still under way is finished', async () => {
    const length = 8 << 20;
    const { port, listeners, answers } = await start('x'.repeat(length));
    const { socket, seen } = await connected(port);
    socket.pause();
    socket.write(POLL);
    await eventually(() => answers.ready === 1);
    const deadline = within(10_000);
    const closed = listeners.close(deadline);
    socket.resume();
    await eventually(() => seen.isEnded);
    expect(seen.text.length - seen.text.indexOf('\r\n\r\n') - 4).toBe(length);
    socket.end();
    await closed;
    deadline.end();
  });

  test('what is left is cut at the deadline', async () => {
    const { port, listeners, answers } = await start('x'.repeat(64 << 20));
    const { socket } = await connected(port);
    socket.pause();
    socket.write(POLL);
    await eventually(() => answers.ready === 1);
    const deadline = within(50);
    await listeners.close(deadline);
    expect(deadline.signal.aborted).toBe(true);
    deadline.end();
  });
});
