import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/app/commands/command.ts';
import { samplingCommand } from '../../../src/app/commands/sampling/sampling.ts';
import { reportedDecision } from '../../../src/sampling/explain/decisions-report.ts';
import type { PollersState } from '../../../src/sampling/pollers/pollers-state.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { decisionOf } from '../../sampling/rows.ts';

const NOW = new FakeClock().wallMs();
const changedAtMs = NOW - 120_000;
const DECISIONS = [
  decisionOf({ operation: 'GET /', rate: 10, rateLow: 8, rateHigh: 12, changedAtMs }),
  decisionOf({ operation: '', rule: 'siblings', probability: 0.5, changedAtMs }),
  decisionOf({ service: '', operation: '', rule: 'initial', probability: 0.001, changedAtMs: 0 }),
];
const POLLERS: PollersState = {
  atMs: NOW,
  evictedServices: 0,
  evictedPollers: 0,
  services: [
    {
      service: 'shop',
      pollers: [
        {
          address: '10.0.0.7',
          userAgent: 'node',
          client: 'js',
          transport: 'http',
          polls: 5,
          firstPollMs: NOW - 300_000,
          lastPollMs: NOW - 12_000,
          intervalMs: 60_000,
          slowestIntervalMs: 61_000,
          instances: 3,
          aliveUntilMs: NOW + 60_000,
          honoursLowerBound: false,
        },
      ],
    },
  ],
};

let server: Server;
let mode = 'control';
let url: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://x');
    const wanted = ['service', 'operation'] as const;
    const decisions = DECISIONS.filter((each) =>
      wanted.every((name) => [null, each[name]].includes(asked.searchParams.get(name))),
    ).map(reportedDecision);
    const history = [{ atMs: NOW - 60_000, version: 7, probability: 0.5, rule: 'raised', rate: 5 }];
    const withHistory = decisions.map((each) =>
      asked.searchParams.has('operation') ? { ...each, history } : each,
    );
    if (asked.pathname === '/api/v1/sampling/decisions')
      response.end(JSON.stringify({ mode, decisions: withHistory }));
    else if (asked.pathname === '/api/v1/sampling/pollers') response.end(JSON.stringify(POLLERS));
    else response.writeHead(404).end('not here');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  mode = 'control';
  server.closeAllConnections();
  server.close();
});

async function run(words: readonly string[], values: Record<string, string | boolean> = { url }) {
  const said: string[] = [];
  const complaints: string[] = [];
  const io = {
    print: (line: string) => void said.push(line),
    complain: (line: string) => void complaints.push(line),
    progress: () => {},
    clock: new FakeClock(),
  };
  const given = { positionals: words, values };
  const code = await samplingCommand.run(given, io, new AbortController().signal);
  return { code, said, complaints };
}

test('an operation is told in full, with how it moved and who asks', async () => {
  const { code, said } = await run(['explain', 'shop', 'GET /']);
  expect(code).toBe(0);
  expect(said).toEqual([
    'shop: GET /',
    '  Lowered 0.5 → 0.25: there are about 10 requests/s (8 to 12), target 2.5/s.',
    '  Served: 0.25 (since 22:11:20 UTC, 2 min ago; 0.5 before).',
    '  The estimate rests on 250 sampled roots within 2 min.',
    '  By that about 2.5 traces a second are sampled, of 2.5 that are wanted.',
    '  SDKs that have not asked since may still sample with 0.25 to 0.5.',
    '  The service samples as it is told.',
    '  An SDK that knows a lower bound keeps 0.0125 traces a second at least, per instance.',
    '  Of late:',
    '    22:12:20 UTC (60 s ago)  0.5  raised, about 5 requests/s',
    '',
    'js at 10.0.0.7 (3 instances) over http, every 60 s, last 12 s ago',
  ]);
});

test('a service is told in a line an operation, all services likewise', async () => {
  const { said } = await run(['explain', 'shop']);
  expect(said.slice(0, 2)).toEqual([
    '(all others): 0.5 for all that has no probability of its own, by the traffic of its siblings.',
    'GET /: Lowered 0.5 → 0.25: there are about 10 requests/s (8 to 12), target 2.5/s.',
  ]);
  const all = await run(['explain']);
  expect(all.said).toHaveLength(3);
  expect(all.said[0]).toBe(
    '(services that are not known): (all others): Begins with 0.001: nothing is known yet.',
  );
});

test('what is only observed is not said to be served', async () => {
  mode = 'observe';
  expect((await run(['explain', 'shop', 'GET /'])).said).toEqual(
    expect.arrayContaining([
      '  Only observed: 0.25 would be served, and 0.5 is.',
      '  By that about 5 traces a second are sampled, of 2.5 that are wanted.',
    ]),
  );
  expect((await run(['explain'])).said[0]).toBe('Only observed: none of this is served (mode: observe).');
});

test('as JSON there is one object a decision, and nothing else', async () => {
  const { said } = await run(['explain', 'shop'], { url, json: true });
  expect(said.map((line) => (JSON.parse(line) as { operation: string }).operation)).toEqual(['', 'GET /']);
});

describe('what is not known', () => {
  test('an operation without a probability of its own', async () => {
    const { code, complaints } = await run(['explain', 'shop', 'PUT /']);
    expect(code).toBe(1);
    expect(complaints[0]).toMatch(/nothing is decided on "PUT \/" by itself: it has the default of shop/);
  });

  test('a service', async () => {
    const { code, complaints } = await run(['explain', 'bank']);
    expect([code, complaints]).toEqual([
      1,
      ['nothing is known of a service "bank": it has the default of services that are not known'],
    ]);
  });

  test('an engine that does not answer is named', async () => {
    await expect(run(['explain'], { url: 'http://127.0.0.1:9' })).rejects.toThrow(
      /no answer from http:\/\/127\.0\.0\.1:9/,
    );
  });
});

test.each([
  [['why'], {}],
  [[], {}],
  [['explain', 'a', 'b', 'c'], {}],
  [['explain'], { url: 'localhost:1' }],
  [['explain'], { url: 'http://a', clickhouse: 'http://b' }],
] as const)('%j with %j is a mistake', async (words, values) => {
  await expect(run(words, values)).rejects.toThrow(UsageError);
});
