import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ClickHouseProxy } from '../../../bench/chaos/proxy.ts';
import { waitFor } from '../../support/wait.ts';

async function behindProxy() {
  const bodies: string[] = [];
  const server = createServer((incoming, reply) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    incoming.on('end', () => {
      bodies.push(body);
      reply.end('stored');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const proxy = await ClickHouseProxy.start((server.address() as AddressInfo).port);
  onTestFinished(async () => {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });
  return { bodies, proxy };
}

/** With a chunked body, as inserts have; resolves with the answer or the code of the error. */
function post(port: number, body: string, path = '/'): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, agent: false }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      reply.on('end', () => resolve(text));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.write(body);
    sent.end();
  });
}

test('the proxy hands requests and answers on', async () => {
  const { bodies, proxy } = await behindProxy();
  expect(await post(proxy.port, 'rows')).toBe('stored');
  expect(bodies).toEqual(['rows']);
});

test('the proxy takes the answer to every nth body away after the server has all of it', async () => {
  const { bodies, proxy } = await behindProxy();
  proxy.mode = { kind: 'lose_answers', every: 2 };
  expect(await post(proxy.port, 'one')).toBe('stored');
  expect(await post(proxy.port, 'two')).toBe('ECONNRESET');
  expect(bodies).toEqual(['one', 'two']);
  expect(proxy.lostAnswers).toBe(1);
});

test('the proxy makes both ways slow', async () => {
  const { proxy } = await behindProxy();
  proxy.mode = { kind: 'slow', delayMs: 60 };
  const startedMs = performance.now();
  expect(await post(proxy.port, 'rows')).toBe('stored');
  expect(performance.now() - startedMs).toBeGreaterThan(115);
});

test('the proxy resets what comes while it is cut, and serves again afterwards', async () => {
  const { proxy } = await behindProxy();
  proxy.cut();
  expect(await post(proxy.port, 'rows')).toBe('ECONNRESET');
  proxy.mode = { kind: 'pass' };
  expect(await post(proxy.port, 'rows')).toBe('stored');
});

test('the proxy holds answers to inserts of data until it releases them', async () => {
  const { bodies, proxy } = await behindProxy();
  proxy.hold('inserts');
  let answer: string | undefined;
  const into = (table: string): string => `/?query=${encodeURIComponent(`INSERT INTO ${table}`)}`;
  expect(await post(proxy.port, 'log', into('ingest_log'))).toBe('stored');
  const posted = post(proxy.port, 'rows', into('otel_traces')).then((text) => {
    answer = text;
  });
  await waitFor('the body arrives', () => bodies.length === 2);
  expect(answer).toBeUndefined();
  proxy.release();
  await posted;
  expect(answer).toBe('stored');
});

test('the proxy that holds only what is open lets new connections pass', async () => {
  const { proxy } = await behindProxy();
  proxy.hold('open');
  expect(await post(proxy.port, 'rows')).toBe('stored');
});

test('the proxy cuts off inserts into all tables but one', async () => {
  const { bodies, proxy } = await behindProxy();
  proxy.mode = { kind: 'only', table: 'ingest_log' };
  const into = (table: string): string => `/?query=${encodeURIComponent(`INSERT INTO \`db\`.\`${table}\``)}`;
  expect(await post(proxy.port, 'log', into('ingest_log'))).toBe('stored');
  expect(await post(proxy.port, 'spans', into('otel_traces'))).toBe('ECONNRESET');
  expect(await post(proxy.port, 'question', '/?query=SELECT+1')).toBe('stored');
  expect(bodies).toEqual(['log', 'question']);
});
