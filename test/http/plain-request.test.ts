import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlainHeads, plainTarget } from '../../src/http/plain-request.ts';
import { heapInUse } from '../support/heap.ts';

const GO = 'Host: localhost:5778\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n';

describe('the target', () => {
  test.each([
    ['GET /sampling?service=a%20b HTTP/1.1\r\n', '/sampling?service=a%20b'],
    ['GET / HTTP/1.1\r\n', '/'],
  ])('of %j is read', (request, target) => {
    expect(plainTarget(request)).toBe(target);
  });

  test.each([
    '',
    'GET / HTTP/1.1',
    'GET / HTTP/1.0\r\n',
    'GET / HTTP/1.10\r\n',
    'GET /HTTP/1.1\r\n',
    'GET  / HTTP/1.1\r\n',
    'GET /a b HTTP/1.1\r\n',
    'GET /a#b HTTP/1.1\r\n',
    'GET /a\tb HTTP/1.1\r\n',
    'GET /\u00e4 HTTP/1.1\r\n',
    'GET http://a/ HTTP/1.1\r\n',
    'get / HTTP/1.1\r\n',
    'HEAD / HTTP/1.1\r\n',
    '\r\nGET / HTTP/1.1\r\n',
    'GET /a\nb HTTP/1.1\r\n',
  ])('of %j is left to node:http', (request) => {
    expect(plainTarget(request)).toBeUndefined();
  });
});

describe('the headers', () => {
  const headersOf = (lines: string) => new PlainHeads().of(`GET / HTTP/1.1\r\n${lines}`);

  test('are known by their names in small letters', () => {
    expect(headersOf(GO)).toEqual(
      new Map([
        ['host', 'localhost:5778'],
        ['user-agent', 'Go-http-client/1.1'],
        ['accept-encoding', 'gzip'],
      ]),
    );
    expect(headersOf('HOST:a\r\nConnection:  Keep-Alive \r\n\r\n')?.get('connection')).toBe('Keep-Alive');
  });

  test.each([
    ['no host', 'Accept: */*\r\n\r\n'],
    ['none at all', '\r\n'],
    ['no end', 'Host: a\r\n'],
    ['more behind them', 'Host: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['one twice', 'Host: a\r\nhost: b\r\n\r\n'],
    ['a body', 'Host: a\r\nContent-Length: 1\r\n\r\n'],
    ['pieces', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['an expectation', 'Host: a\r\nExpect: 100-continue\r\n\r\n'],
    ['an upgrade', 'Host: a\r\nUpgrade: h2c\r\n\r\n'],
    ['an end of the connection', 'Host: a\r\nConnection: close\r\n\r\n'],
    ['one that nobody knows', 'Host: a\r\nX-Odd: 1\r\n\r\n'],
    ['a line that goes on', 'Host: a\r\nAccept: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'Host : a\r\n\r\n'],
    ['a lone line feed', 'Host: a\nAccept: b\r\n\r\n'],
    ['a byte beyond ASCII', 'Host: a\r\nUser-Agent: \u00e4\r\n\r\n'],
  ])('with %s are left to node:http', (_, lines) => {
    expect(headersOf(lines)).toBeUndefined();
  });

  test('are the same however often they come, beside any others', () => {
    const heads = new PlainHeads();
    const agents = fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(agents, (names) => {
        for (const name of [...names, ...names]) {
          const headers = heads.of(`GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ${name}\r\n\r\n`);
          expect(headers?.get('user-agent')).toBe(name);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('headers that are kept do not keep the requests that they came in', () => {
  const heads = new PlainHeads();
  const before = heapInUse();
  for (let i = 0; i < 1000; i++) {
    const request = `GET /a?x=${'y'.repeat(7000)} HTTP/1.1\r\nHost: a\r\nUser-Agent: agent-${i}\r\n\r\n`;
    heads.of(Buffer.from(request).toString('latin1'));
  }
  expect(heapInUse() - before).toBeLessThan(2_000_000);
  expect(heads.of('GET / HTTP/1.1\r\nHost: a\r\n\r\n')?.get('host')).toBe('a');
});
