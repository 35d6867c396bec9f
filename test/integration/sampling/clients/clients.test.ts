import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureSamplingClients } from '../../../../scripts/parts/sampling-clients.mjs';
import { FILE_CASES } from './cases.ts';
import { RECOGNISED } from './registered.ts';
import { SDKS } from './sdks.ts';
import { complaints } from './table.ts';
import { Trial } from './trial.ts';

/** Compiling the Rust client takes the longest, on a new machine. */
const BUILD_MS = 1_200_000;

let trial: Trial;

beforeAll(async () => {
  await ensureSamplingClients();
}, BUILD_MS);

beforeAll(async () => {
  trial = await Trial.start({ decisions: 20_000, decisionsOfMany: 2000 });
});

afterAll(async () => {
  await trial?.end();
});

test.each(FILE_CASES)('all four SDKs apply what is served: $name', async (each) => {
  expect(complaints(await trial.served(each))).toEqual([]);
});

test('all four SDKs apply what is served over TLS', async () => {
  expect(complaints(await trial.servedOverTls())).toEqual([]);
});

test('all four SDKs apply what the controller tells a service that it knows nothing of', async () => {
  expect(complaints(await trial.undecided())).toEqual([]);
});

test('all four SDKs apply what the controller has decided of traffic', { timeout: 240_000 }, async () => {
  expect(complaints(await trial.decided())).toEqual([]);
});

test('every SDK is recognised by how it polls, and how often', async () => {
  const pollers = await trial.recognised();
  for (const sdk of SDKS) {
    expect(pollers[sdk]).toMatchObject({ ...RECOGNISED[sdk], address: '127.0.0.1' });
  }
});

test('a JavaScript sampler without an interval gets its strategy and is named in the log', async () => {
  const { verdict, log } = await trial.withoutPause();
  expect(verdict.wrong).toEqual([]);
  expect(JSON.parse(log)).toMatchObject({ level: 'warn', service: 'plain', userAgent: 'node' });
});

test('all four SDKs keep their strategy while the server is away and take the new one when it is back', async () => {
  expect(complaints(await trial.awayAndBack())).toEqual([]);
});
