import { DiagLogLevel, diag } from '@opentelemetry/api';
import { type Flags, parseFlags, USAGE } from './flags.ts';
import { playRequest } from './request.ts';
import { startServices } from './services.ts';
import { serviceNames } from './shop-map.ts';
import { isRush, requestsFor } from './traffic.ts';

const TICK_MS = 50;
/** Requests are played whole, so they lie a little in the past when they are sent. */
const BEHIND_MS = 2000;
const ENGINE_PATIENCE_S = 120;
const SHUTDOWN_MS = 5000;

function say(text: string): void {
  process.stdout.write(`shop: ${text}\n`);
}

/** Twelve services meet the same trouble at once: each text is said once in `everyMs`. */
function sayNowAndThen(everyMs: number): (text: string) => void {
  const lastMs = new Map<string, number>();
  return (text) => {
    const now = performance.now();
    if (now - (lastMs.get(text) ?? Number.NEGATIVE_INFINITY) < everyMs) return;
    lastMs.set(text, now);
    say(text);
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', done);
  });
}

/** The engine takes an empty request as soon as its receiver is open. */
async function engineIsThere({ endpoint }: Flags, signal: AbortSignal): Promise<boolean> {
  for (let second = 0; second < ENGINE_PATIENCE_S && !signal.aborted; second++) {
    try {
      const answer = await fetch(`${endpoint}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]),
      });
      await answer.arrayBuffer();
      if (answer.ok) return true;
    } catch {
      // Not yet.
    }
    if (second === 2) say(`waiting for ${endpoint}`);
    await sleep(1000, signal);
  }
  return false;
}

async function play(flags: Flags, signal: AbortSignal): Promise<void> {
  const names = serviceNames();
  const services = startServices(names, flags);
  const tracers = new Map(names.map((name) => [name, services.tracer(name)]));
  const tracerOf = (service: string) => tracers.get(service) ?? services.tracer(service);
  say(`${names.length} services are open: ${names.join(', ')}`);
  const started = performance.now();
  let last = started;
  let wasRush = false;
  while (!signal.aborted) {
    await sleep(TICK_MS, signal);
    const now = performance.now();
    // After a pause of the whole machine the missed time is not made up for.
    const seconds = Math.min(now - last, 500) / 1000;
    last = now;
    const elapsedS = (now - started) / 1000;
    if (flags.durationS > 0 && elapsedS >= flags.durationS) break;
    const rush = isRush(elapsedS);
    if (rush !== wasRush) say(rush ? 'rush hour begins: watch the probabilities fall' : 'rush hour is over');
    wasRush = rush;
    for (const { entry, count } of requestsFor(elapsedS, seconds, flags.rate)) {
      for (let i = 0; i < count; i++) playRequest(entry.operation, Date.now() - BEHIND_MS, tracerOf);
    }
  }
  await Promise.race([services.shutdown(), sleep(SHUTDOWN_MS, new AbortController().signal)]);
  say('closed');
}

async function main(): Promise<number> {
  let flags: Flags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const stop = new AbortController();
  let signals = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      signals += 1;
      if (signals > 1) process.exit(130);
      stop.abort();
    });
  }
  const warn = sayNowAndThen(30_000);
  const quiet = (): void => undefined;
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  if (!(await engineIsThere(flags, stop.signal))) {
    if (stop.signal.aborted) return 0;
    process.stderr.write(`shop: nothing takes spans at ${flags.endpoint}; is the engine running?\n`);
    return 1;
  }
  await play(flags, stop.signal);
  return 0;
}

// The samplers' timers never end by themselves.
process.exit(await main());
