import { RandomIdGenerator } from '@opentelemetry/sdk-trace-node';
import { encodeProto } from '../../../support/spans.ts';
import { type WaitOptions, waitFor } from '../../../support/wait.ts';
import type { Expected } from './draws.ts';

const EVERY_MS = 200;
const PATIENCE: WaitOptions = { deadlineMs: 90_000, everyMs: EVERY_MS };
/** Answers in a row that say the same. */
const SETTLED = 15;

/** Sampled root spans of one service, as they come from SDKs that sample all. */
export interface Traffic {
  /** Where OTLP is taken over HTTP. */
  readonly otlpUrl: string;
  /** Where strategies are served over HTTP. */
  readonly samplingUrl: string;
  readonly service: string;
  /** Roots per second. */
  readonly rates: readonly (readonly [operation: string, perSecond: number])[];
}

/** Sends roots until every operation is listed with something other than `initially`, and then no more until that stands. */
export async function untilDecided(traffic: Traffic, initially: number): Promise<Expected> {
  let sending = true;
  const sent = send(traffic, () => sending);
  try {
    await waitFor(
      `${traffic.service} has probabilities of its own`,
      async () => {
        const told = new Map(await toldFor(traffic));
        return traffic.rates.every(([operation]) => (told.get(operation) ?? initially) !== initially);
      },
      PATIENCE,
    );
  } finally {
    sending = false;
    await sent;
  }
  return await standing(traffic);
}

/** What is served, once it has stood for a while. */
async function standing(traffic: Traffic): Promise<Expected> {
  let last: Expected = [];
  let same = 0;
  await waitFor(
    'the probabilities stand',
    async () => {
      const now = await toldFor(traffic);
      same = JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0;
      last = now;
      return same >= SETTLED;
    },
    PATIENCE,
  );
  return last;
}

/** The service's reply: each operation, and what holds for all others. */
export async function toldFor({ samplingUrl, service }: Traffic): Promise<Expected> {
  const answer = await fetch(`${samplingUrl}/sampling?service=${encodeURIComponent(service)}`);
  if (!answer.ok) throw new Error(`a poll was answered with ${answer.status}`);
  const { operationSampling } = (await answer.json()) as Reply;
  return [
    ...operationSampling.perOperationStrategies.map(
      ({ operation, probabilisticSampling }) => [operation, probabilisticSampling.samplingRate] as const,
    ),
    ['not listed', operationSampling.defaultSamplingProbability],
  ];
}

async function send({ otlpUrl, service, rates }: Traffic, goesOn: () => boolean): Promise<void> {
  const ids = new RandomIdGenerator();
  const attributes = { 'telemetry.sdk.language': 'go' };
  while (goesOn()) {
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    const spans = rates.flatMap(([name, perSecond]) =>
      Array.from({ length: Math.round((perSecond * EVERY_MS) / 1000) }, () => ({
        traceId: ids.generateTraceId(),
        spanId: ids.generateSpanId(),
        name,
        startNs: nowNs - 1_000_000n,
        endNs: nowNs,
      })),
    );
    const answer = await fetch(`${otlpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: encodeProto([{ service, attributes, spans }]),
    });
    if (!answer.ok) throw new Error(`spans were answered with ${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

interface Reply {
  readonly operationSampling: {
    readonly defaultSamplingProbability: number;
    readonly perOperationStrategies: readonly {
      readonly operation: string;
      readonly probabilisticSampling: { readonly samplingRate: number };
    }[];
  };
}
