import { parseArgs } from 'node:util';
import { Differential } from '../../test/span/differential.ts';
import { makePayload, mutate, randomFrom } from '../../test/span/random-payloads.ts';

/**
 * The scanner against protobufjs on damaged requests; ends with an error at the first disagreement, whose
 * seed and number make it again.
 *
 *     npx tsx bench/span/fuzz.ts --inputs 1000000 [--seed 1]
 */
const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const inputs = Number(values.inputs);
const random = randomFrom(Number(values.seed));
const PAYLOADS = 500;
/** How often the payloads that are damaged are made anew. */
const GENERATION = 50_000;

const verdicts: Record<string, number> = {};
let payloads: Buffer[] = [];
let differential = new Differential();
let slowestMs = 0;
const before = process.cpuUsage();

for (let i = 0; i < inputs; i++) {
  if (i % GENERATION === 0) {
    payloads = Array.from({ length: PAYLOADS }, () => makePayload(random));
    differential = new Differential();
  }
  const payload = payloads[i % PAYLOADS] as Buffer;
  const damaged = mutate(random, payload, payloads[Math.floor(random() * PAYLOADS)] as Buffer);
  const startedMs = performance.now();
  try {
    const verdict = differential.check(damaged);
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  } catch (error) {
    process.stderr.write(`seed ${values.seed}, input ${i}: ${damaged.toString('hex')}\n`);
    throw error;
  }
  slowestMs = Math.max(slowestMs, performance.now() - startedMs);
}

const used = process.cpuUsage(before);
const cpuSeconds = (used.user + used.system) / 1e6;
process.stdout.write(`${JSON.stringify({ inputs, verdicts, cpuSeconds, slowestMs }, undefined, 2)}\n`);
