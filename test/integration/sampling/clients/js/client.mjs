// @ts-check
import { createInterface } from 'node:readline';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  RandomIdGenerator,
  SamplingDecision,
} from '@opentelemetry/sdk-trace-node';

/**
 * Real samplers of the JavaScript SDK, told what to do by lines of JSON on standard input: see ../protocol.ts.
 * @typedef {import('../protocol.ts').Request} Request
 */

/** @type {Map<string, JaegerRemoteSampler>} */
const samplers = new Map();
const ids = new RandomIdGenerator();

for await (const line of createInterface({ input: process.stdin })) {
  /** @type {object} */
  let reply;
  try {
    reply = answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
// The sampler's timer never ends by itself.
process.exit(0);

/** @param {Request} request */
function answer(request) {
  if (request.op === 'configure') {
    samplers.set(request.sampler, configure(request));
    return {};
  }
  const sampler = samplers.get(request.sampler);
  if (sampler === undefined) throw new Error(`no sampler ${request.sampler}`);
  if (request.op === 'describe') return { description: sampler.toString() };
  return { sampled: sample(sampler, request.operation, request.decisions) };
}

/** @param {import('../protocol.ts').Configure} request */
function configure({ endpoint, service, pollMs, initial }) {
  return new JaegerRemoteSampler({
    endpoint,
    serviceName: service,
    initialSampler: initial === 'on' ? new AlwaysOnSampler() : new AlwaysOffSampler(),
    // Its option is required by its type and not by its code, which then polls without a pause.
    poolingInterval: /** @type {number} */ (pollMs),
  });
}

/**
 * How many of so many new traces, with ids of the SDK's own generator, are sampled.
 * @param {JaegerRemoteSampler} sampler
 * @param {string} operation
 * @param {number} decisions
 */
function sample(sampler, operation, decisions) {
  let sampled = 0;
  for (let i = 0; i < decisions; i++) {
    const traceId = ids.generateTraceId();
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, operation, SpanKind.SERVER, {}, []);
    if (decision === SamplingDecision.RECORD_AND_SAMPLED) sampled += 1;
  }
  return sampled;
}
