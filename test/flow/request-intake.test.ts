import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import { settle } from './fake-clock.ts';
import { FlowHarness } from './harness.ts';

const payload = (spans: number, fill = 0): Uint8Array => new Uint8Array(spans).fill(fill);

test('requests that come together share a block and are answered when it is safe', async () => {
  const harness = new FlowHarness();
  const first = harness.intake.request(payload(2), 'otlp_proto', 1);
  const second = harness.intake.request(payload(3), 'otlp_proto', 1);
  await harness.clock.advance(300);
  expect(harness.writes.map(({ spans }) => spans)).toEqual([5]);
  harness.writes[0]?.succeed();
  expect(await first).toEqual({ spans: 2, rejectedSpans: 0, message: '' });
  expect(await second).toEqual({ spans: 3, rejectedSpans: 0, message: '' });
  expect(harness.committedBlocks).toEqual(['request']);
  expect(harness.budget.usedBytes).toBe(0);
});

test('where nothing is stored, a request waits for those of the same moment only', async () => {
  const stored = new FlowHarness();
  const shown = new FlowHarness(undefined, undefined, false, false);
  for (const { intake } of [stored, shown]) void intake.request(payload(2), 'otlp_proto', 1);
  await stored.clock.advance(25);
  await shown.clock.advance(25);
  expect([stored.writes.length, shown.writes.length]).toEqual([0, 1]);
});

test('every block of requests has an id of its own', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  const requests = [1, 2, 3].map(() => harness.intake.request(payload(1), 'otlp_proto', 1));
  await settle();
  const ids = harness.writes.map(({ block }) => (block.origin.kind === 'request' ? block.origin.id : ''));
  expect(new Set(ids).size).toBe(3);
  for (const write of harness.writes) write.succeed();
  await Promise.all(requests);
});

test('a bad payload is refused to its sender alone', async () => {
  const harness = new FlowHarness();
  const bad = harness.intake.request(payload(1, 0xff), 'otlp_proto', 1);
  const good = harness.intake.request(payload(1), 'otlp_proto', 1);
  await expect(bad).rejects.toMatchObject({ code: 'BAD_DATA' });
  await harness.clock.advance(300);
  harness.writes[0]?.succeed();
  expect(await good).toMatchObject({ spans: 1 });
});

test('when the sink can not store it, the sender is told to come again', async () => {
  const harness = new FlowHarness();
  const request = harness.intake.request(payload(1), 'otlp_proto', 1);
  const outcome = expect(request).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 2000 });
  await harness.clock.advance(300);
  harness.writes[0]?.fail(new SpanweirError('UNAVAILABLE', 'down', { retry: 'backoff', retryAfterMs: 2000 }));
  await outcome;
  expect(harness.budget.usedBytes).toBe(0);
});

test("one sender's refused spans do not take the others' with them", async () => {
  const harness = new FlowHarness();
  const first = harness.intake.request(payload(1), 'otlp_proto', 1);
  const second = harness.intake.request(payload(2), 'otlp_proto', 1);
  const refused = expect(first).rejects.toMatchObject({ code: 'REFUSED' });
  await harness.clock.advance(300);
  harness.writes[0]?.fail(new SpanweirError('REFUSED', 'bad data'));
  await settle();
  expect(harness.writes.map(({ spans }) => spans)).toEqual([3, 1, 2]);
  harness.writes[1]?.fail(new SpanweirError('REFUSED', 'bad data'));
  harness.writes[2]?.succeed();
  await refused;
  expect(await second).toMatchObject({ spans: 2 });
  expect(harness.budget.usedBytes).toBe(0);
});

test('over the budget a request is refused at once, with a time to come again', async () => {
  const harness = new FlowHarness({ maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 100 }, 100);
  const first = harness.intake.request(payload(10), 'otlp_proto', 1);
  await expect(harness.intake.request(payload(1), 'otlp_proto', 1)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retryAfterMs: 1000,
  });
  await harness.clock.advance(300);
  harness.writes[0]?.succeed();
  await first;
});

test('draining refuses what comes and finishes what is there', async () => {
  const harness = new FlowHarness();
  const request = harness.intake.request(payload(1), 'otlp_proto', 1);
  const drained = harness.intake.drain(new AbortController().signal);
  await expect(harness.intake.request(payload(1), 'otlp_proto', 1)).rejects.toMatchObject({
    code: 'STOPPING',
  });
  harness.writes[0]?.succeed();
  await drained;
  expect(await request).toMatchObject({ spans: 1 });
});

test("one sender's refused spans do not take the others' with them during a stop either", async () => {
  const harness = new FlowHarness();
  const first = harness.intake.request(payload(1), 'otlp_proto', 1);
  const second = harness.intake.request(payload(2), 'otlp_proto', 1);
  const refused = expect(first).rejects.toMatchObject({ code: 'REFUSED' });
  const drained = harness.intake.drain(new AbortController().signal);
  await settle();
  harness.writes[0]?.fail(new SpanweirError('REFUSED', 'bad data'));
  await settle();
  harness.writes[1]?.fail(new SpanweirError('REFUSED', 'bad data'));
  harness.writes[2]?.succeed();
  await refused;
  expect(await second).toMatchObject({ spans: 2 });
  await drained;
});
