import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import { createHttpListeners, type HttpListeners } from '../../src/http/listeners.ts';
import { allowMethods, replyText } from '../../src/http/replies.ts';
import { eventually, FakeInstruments, recordingLog, within } from './fakes.ts';

const open: HttpListeners[] = [];
const instruments = new FakeInstruments();
const log = recordingLog();

function listeners(limits: Partial<HttpLimits> = {}): HttpListeners {
  const made = createHttpListeners({ clock: systemClock, log, instruments, limits });
  open.push(made);
  return made;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
  });
}

afterEach(async () => {
  const deadline = within(2000);
  for (const made of open.splice(0)) await made.close(deadline);
  deadline.end();
});

const local = { host: 'localhost', port: 0 };

describe('HTTP listeners', () => {
  it('serve two components on one address, each its own paths', async () => {
    const port = await freePort();
    const made = listeners();
    made
      .http({ host: 'localhost', port }, 'a.endpoint')
      .route('/a', (_, response) => replyText(response, 200, 'A'));
    made
      .http({ host: '127.0.0.1', port }, 'b.endpoint')
      .route('/b', (_, response) => replyText(response, 200, 'B'));
    await made.open();
    expect(await (await fetch(`http://127.0.0.1:${port}/a`)).text()).toBe('A');
    expect(await (await fetch(`http://127.0.0.1:${port}/b?x=1`)).text()).toBe('B');
    expect((await fetch(`http://127.0.0.1:${port}/c`)).status).toBe(404);
  });

  it('give a catch-all what no path takes, and tell the bound port', async () => {
    const made = listeners();
    const routes = made.http(local, 'page.endpoint');
    routes.route('*', (_, response, url) => replyText(response, 200, url.pathname));
    await made.open();
    expect(routes.port()).toBeGreaterThan(0);
    expect(await (await fetch(`http://127.0.0.1:${routes.port()}/x/y`)).text()).toBe('/x/y');
  });

  it('name host, port and option of a port that is taken, and open nothing then', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const made = listeners();
    const free = made.http(local, 'free.endpoint');
    made.http({ host: 'localhost', port }, 'receivers.otlp.protocols.http.endpoint');
    await expect(made.open()).rejects.toMatchObject({
      code: 'START',
      message: `localhost:${port} is already taken by another program; choose another port (set by receivers.otlp.protocols.http.endpoint)`,
    });
    await expect(fetch(`http://127.0.0.1:${free.port()}/`)).rejects.toThrow();
    taken.close();
  });

  it('refuse two components that want one path, and addresses that differ in TLS', () => {
    const made = listeners();
    made.http({ host: 'localhost', port: 5000 }, 'a.endpoint').route('/x', () => undefined);
    expect(() =>
      made.http({ host: 'localhost', port: 5000 }, 'b.endpoint').route('/x', () => undefined),
    ).toThrow('b.endpoint and a.endpoint both want the path /x on localhost:5000');
    const tls = { certFile: 'c', keyFile: 'k' };
    expect(() => made.http({ host: 'localhost', port: 5000, tls }, 'c.endpoint')).toThrow(
      'differ in their tls',
    );
  });

  it('answer 500 and count when a handler throws, now or later, and go on', async () => {
    const made = listeners();
    const routes = made.http(local, 'x.endpoint');
    routes.route('/now', () => {
      throw new Error('secret detail');
    });
    routes.route('/later', async () => {
      await Promise.resolve();
      throw new Error('secret detail');
    });
    routes.route('/ok', (_, response) => replyText(response, 200, 'fine'));
    await made.open();
    const before = instruments.values.get('spanweir_http_handler_failures_total{}') ?? 0;
    for (const path of ['/now', '/later']) {
      const answer = await fetch(`http://127.0.0.1:${routes.port()}${path}`);
      expect(answer.status).toBe(500);
      expect(await answer.text()).toBe('internal error\n');
    }
    expect(instruments.values.get('spanweir_http_handler_failures_total{}')).toBe(before + 2);
    expect((await fetch(`http://127.0.0.1:${routes.port()}/ok`)).status).toBe(200);
  });

  it('answer 405 with Allow', async () => {
    const made = listeners();
    const routes = made.http(local, 'x.endpoint');
    routes.route('/', (request, response) => {
      if (allowMethods(request, response, ['GET'])) replyText(response, 200, 'got');
    });
    await made.open();
    const answer = await fetch(`http://127.0.0.1:${routes.port()}/`, { method: 'DELETE' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET');
    const head = await fetch(`http://127.0.0.1:${routes.port()}/`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', '']);
  });

  it('survive targets that are no URL and hosts that lie', async () => {
    const made = listeners();
    const routes = made.http(local, 'x.endpoint');
    routes.route('/', (_, response) => replyText(response, 200, 'root'));
    await made.open();
    const rest = 'HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await raw(routes.port(), `GET http://evil/ ${rest}`)).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(routes.port(), `GET //[ ${rest}`)).toMatch(/^HTTP\/1.1 404/);
    expect(await raw(routes.port(), `OPTIONS * ${rest}`)).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(routes.port(), 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
  });

  it('end a client that does not finish its headers, and one with too many of them', async () => {
    const made = listeners({
      headersTimeoutMs: 100,
      requestTimeoutMs: 150,
      checkIntervalMs: 20,
      maxHeaderBytes: 1024,
    });
    const routes = made.http(local, 'x.endpoint');
    await made.open();
    expect(await raw(routes.port(), 'GET / HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1.1 408/);
    const huge = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(4000)}\r\n\r\n`;
    expect(await raw(routes.port(), huge)).toMatch(/^HTTP\/1.1 431/);
  });

  it('close connections beyond the limit', async () => {
    const made = listeners({ maxConnections: 1 });
    const routes = made.http(local, 'x.endpoint');
    routes.route('/', (_, response) => replyText(response, 200, 'ok'));
    await made.open();
    const first = connect(routes.port(), '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    expect(await raw(routes.port(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
    first.destroy();
  });

  it('finish the request in hand when closing, and take no new one', async () => {
    const made = listeners();
    const routes = made.http(local, 'x.endpoint');
    let finish = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      routes.route('/slow', async (_, response) => {
        resolve();
        await new Promise<void>((go) => {
          finish = go;
        });
        replyText(response, 200, 'done');
      });
    });
    await made.open();
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<string | undefined>((resolve, reject) => {
      httpRequest({ port: routes.port(), host: '127.0.0.1', path: '/slow', agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.headers.connection));
      })
        .on('error', reject)
        .end();
    });
    await begun;
    const deadline = within(5000);
    const closed = made.close(deadline);
    await expect(fetch(`http://127.0.0.1:${routes.port()}/slow`)).rejects.toThrow();
    finish();
    expect(await answer).toBe('close');
    await closed;
    expect(deadline.signal.aborted).toBe(false);
    deadline.end();
    agent.destroy();
  });

  it('cut what is still in hand at the deadline', async () => {
    const made = listeners();
    const routes = made.http(local, 'x.endpoint');
    let begun = false;
    routes.route('/never', () => {
      begun = true;
    });
    await made.open();
    const answer = fetch(`http://127.0.0.1:${routes.port()}/never`);
    answer.catch(() => undefined);
    await eventually(() => begun);
    const deadline = within(50);
    await made.close(deadline);
    await expect(answer).rejects.toThrow();
  });

  it('serve TLS and ask for a client certificate where a CA is set', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tls-'));
    const key = join(dir, 'key.pem');
    const cert = join(dir, 'cert.pem');
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync(
      'openssl',
      [
        ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' '),
        '-keyout',
        key,
        '-out',
        cert,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const made = listeners();
    const tls = { certFile: cert, keyFile: key, clientCaFile: cert };
    const routes = made.http({ ...local, tls }, 'x.endpoint');
    routes.route('/', (_, response) => replyText(response, 200, 'secure'));
    await made.open();
    const ca = readFileSync(cert);
    const get = (client: object): Promise<number | string> =>
      new Promise((resolve) => {
        const options = {
          host: 'localhost',
          port: routes.port(),
          ca,
          family: 4,
          agent: false as const,
          ...client,
        };
        httpsRequest(options, (response) => resolve(response.statusCode ?? 0))
          .on('error', (error) => resolve(error.message))
          .end();
      });
    expect(await get({ cert: ca, key: readFileSync(key) })).toBe(200);
    expect(await get({})).not.toBe(200);
    rmSync(dir, { recursive: true });
    const missing = listeners();
    missing.http({ ...local, tls }, 'receivers.otlp.protocols.http.endpoint');
    await expect(missing.open()).rejects.toThrow(`can't read ${cert}`);
  });
});
