import { describe, expect, test } from 'vitest';
import { holdsId, templateOf } from '../../src/span/name-template.ts';

describe('a name holds an id', () => {
  test.each([
    'GET /users/5',
    'GET /users/12345/orders',
    '/a?page=7',
    'order 123',
    'job-20261121',
    'process_4711_done',
    'GET /users/0af76519-16cd-43dd-8448-eb211c80319c',
    'load 4bf92f3577b34da6a3ce929d0e0e4736',
    'GET /blob/a1b2c3d4',
    'PUT 01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'usr_1a2b3c4d5e6f',
    'mail to jane@example.com',
    'connect 10.0.0.17',
    'SELECT * FROM users WHERE id = 42',
    `SELECT ${'column, '.repeat(40)}`,
  ])('%s', (name) => {
    expect(holdsId(name)).toBe(true);
  });
});

describe('a name is plain', () => {
  test.each([
    'GET /',
    'GET /products/{id}',
    'GET /users/:userId/orders',
    'operation 0',
    'step-12',
    'GET /api/v1/things',
    'grpc.health.v1.Health/Check',
    'oauth2 token',
    'S3.PutObject',
    'HTTP/1.1 GET',
    'base64',
    'deadbeef',
    'Grüße senden',
    'PaymentService2/charge',
    'convert to mp3',
  ])('%s', (name) => {
    expect(holdsId(name)).toBe(false);
  });
});

test('a long name costs no more than its length', () => {
  const name = `${'a1'.repeat(120)}-`.slice(0, 250);
  const begun = performance.now();
  for (let i = 0; i < 1000; i++) holdsId(name);
  expect(performance.now() - begun).toBeLessThan(1000);
});

test.each([
  ['GET /users/5', 'GET /users/{id}'],
  ['GET /users/12345/orders/7?page=3', 'GET /users/{id}/orders/{id}?page={id}'],
  ['order 123', 'order {id}'],
  ['process_4711_done', 'process_{id}_done'],
  ['GET /users/0af76519-16cd-43dd-8448-eb211c80319c', 'GET /users/{id}'],
  ['load 4bf92f3577b34da6a3ce929d0e0e4736', 'load {id}'],
  ['mail to jane@example.com', 'mail to {email}'],
  ['connect 10.0.0.17', 'connect {ip}'],
  ['SELECT * FROM users WHERE id = 42', 'SELECT * FROM users WHERE id = {id}'],
  ['GET /products/{id}', 'GET /products/{id}'],
  ['convert to mp3', 'convert to mp3'],
])('the template of %s is %s', (name, template) => {
  expect(templateOf(name)).toBe(template);
});

test('a template has a bounded length', () => {
  expect(templateOf(`SELECT ${'column, '.repeat(400)}`)).toHaveLength(256);
});
