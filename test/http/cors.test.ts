import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { applyCors, type CorsRules } from '../../src/http/cors.ts';
import { createHttpListeners } from '../../src/http/listeners.ts';
import { replyText } from '../../src/http/replies.ts';
import { FakeInstruments, recordingLog, within } from './fakes.ts';

const listeners = createHttpListeners({
  clock: systemClock,
  log: recordingLog(),
  instruments: new FakeInstruments(),
});
const routes = listeners.http({ host: 'localhost', port: 0 }, 'x');
let rules: CorsRules = { allowedOrigins: [], allowedHeaders: [], exposedHeaders: [], maxAgeS: 0 };

beforeAll(async () => {
  routes.route('/', (request, response) => {
    if (!applyCors(rules, request, response, ['POST'])) replyText(response, 200, 'served');
  });
  await listeners.open();
});
afterAll(async () => {
  const deadline = within(1000);
  await listeners.close(deadline);
  deadline.end();
});

function ask(method: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`http://127.0.0.1:${routes.port()}/`, { method, headers });
}

describe('CORS', () => {
  it('is silent when no origin is allowed', async () => {
    const answer = await ask('POST', { origin: 'https://shop.example' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers a preflight of an allowed origin with what it asked for', async () => {
    rules = {
      allowedOrigins: ['https://*.example'],
      allowedHeaders: ['X-Trace'],
      exposedHeaders: ['X-Y'],
      maxAgeS: 60,
    };
    const answer = await ask('OPTIONS', {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, x-trace, x-other',
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
    expect(answer.headers.get('access-control-allow-headers')).toBe('content-type, x-trace');
    expect(answer.headers.get('access-control-max-age')).toBe('60');
  });

  it.each([
    ['https://*.example', 'https://a.b.example', true],
    ['https://*.example', 'http://a.example', false],
    ['https://*.example', 'https://example', false],
    ['https://*.example', 'https://a.example.evil', false],
    ['https://ab*ba.example', 'https://aba.example', false],
    ['http://localhost:3000', 'HTTP://LOCALHOST:3000', true],
    ['*', 'null', true],
  ])('lets %s match %s: %s', async (pattern, origin, expected) => {
    rules = { allowedOrigins: [pattern], allowedHeaders: [], exposedHeaders: [], maxAgeS: 0 };
    const answer = await ask('POST', { origin });
    expect(answer.headers.has('access-control-allow-origin')).toBe(expected);
    expect(await answer.text()).toBe('served');
  });

  it('grants a preflight nothing for another origin or method', async () => {
    rules = { allowedOrigins: ['https://shop.example'], allowedHeaders: [], exposedHeaders: [], maxAgeS: 0 };
    const other = await ask('OPTIONS', {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const method = await ask('OPTIONS', {
      origin: 'https://shop.example',
      'access-control-request-method': 'PUT',
    });
    expect(method.headers.get('access-control-allow-methods')).toBeNull();
  });
});
