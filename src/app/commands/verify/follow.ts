import { systemClock } from '../../../base/clock.ts';
import { toError } from '../../../base/errors.ts';
import type { Instruments } from '../../../base/instruments.ts';
import type { ListenAddress } from '../../../flow/host.ts';
import { createExposition } from '../../../telemetry/exposition.ts';
import { createInstruments } from '../../../telemetry/instruments.ts';
import { createMetricsEndpoint } from '../../../telemetry/metrics-endpoint.ts';
import { MetricsHub } from '../../../telemetry/metrics-hub.ts';
import { deadlineIn } from '../../deadline.ts';
import { createListeners } from '../../listeners.ts';
import { type CommandIo, EXIT } from '../command.ts';
import { dayAfter, dayOfMs } from './days.ts';
import type { Scope } from './log-state.ts';
import type { LookDeps } from './look.ts';
import { type Finding, KINDS, keyOf, placeOf, type Report, verdict } from './report.ts';
import { lookUntilSettled } from './settled.ts';

export interface FollowOptions {
  readonly scope: Scope;
  readonly idle: boolean;
  readonly json: boolean;
  readonly intervalMs: number;
  readonly listen: ListenAddress;
}

const CLOSE_MS = 2_000;

/** Looks again and again until it is stopped. Resolves with 0: what it found is told by its metrics. */
export async function follow(
  deps: LookDeps,
  io: CommandIo,
  options: FollowOptions,
  stop: AbortSignal,
): Promise<number> {
  const hub = new MetricsHub();
  const instruments = createInstruments((slot) => hub.accept('main', slot));
  const listeners = createListeners({ log: io.log, clock: systemClock, instruments });
  const endpoint = { ...options.listen, option: '--listen' };
  await createMetricsEndpoint(endpoint, listeners, createExposition(hub, systemClock)).start();
  await listeners.open();
  try {
    for (const { address } of listeners.addresses()) io.complain(`metrics at http://${address}/metrics`);
    await lookOn(deps, io, { ...options, gauges: createGauges(instruments) }, stop);
  } finally {
    const deadline = deadlineIn(CLOSE_MS);
    await listeners.close(deadline);
    deadline.clear();
  }
  return EXIT.ok;
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(instruments: Instruments) {
  return {
    problems: new Map(
      KINDS.map((kind) => [kind, instruments.gauge('spanweir_verify_problems', { kind })] as const),
    ),
    open: instruments.gauge('spanweir_verify_open'),
    lastSuccess: instruments.gauge('spanweir_verify_last_success_timestamp_seconds'),
    seconds: instruments.gauge('spanweir_verify_look_seconds'),
    looks: (outcome: 'right' | 'problems' | 'failed') =>
      instruments.counter('spanweir_verify_looks_total', { outcome }).add(1),
  };
}

async function lookOn(
  deps: LookDeps,
  io: CommandIo,
  options: FollowOptions & { readonly gauges: Gauges },
  stop: AbortSignal,
): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  let known = new Map<string, Finding>();
  let scope = options.scope;
  while (!stop.aborted) {
    const look = lookUntilSettled(deps, scope, options).catch(toError);
    const report = await Promise.race([look, stopped]);
    io.progress(undefined);
    if (report === undefined) return;
    if (report instanceof Error) {
      options.gauges.looks('failed');
      io.complain(`verify: ${report.message}`);
    } else {
      // What lies before the days that are looked at from now on was wrong and stays so.
      const before = [...known].filter(([, { day }]) => day !== undefined && day < (scope.since ?? ''));
      const findings = [...before.map(([, finding]) => finding), ...report.findings];
      tell({ ...report, findings }, known, io, options);
      known = new Map(findings.map((finding) => [keyOf(finding), finding]));
      const yesterday = dayAfter(dayOfMs(deps.clock.wallMs()), -1);
      if (options.scope.since === undefined) scope = { ...scope, since: yesterday };
    }
    await deps.clock.sleep(options.intervalMs, stop);
  }
}

function tell(
  report: Report,
  known: ReadonlyMap<string, Finding>,
  io: CommandIo,
  { gauges, json }: { readonly gauges: Gauges; readonly json: boolean },
): void {
  const { findings, open, seconds } = report;
  for (const [kind, gauge] of gauges.problems) gauge.set(findings.filter((one) => one.kind === kind).length);
  gauges.open.set(open.length);
  gauges.seconds.set(seconds);
  gauges.looks(findings.length === 0 ? 'right' : 'problems');
  if (findings.length === 0) gauges.lastSuccess.set(io.clock.wallMs() / 1000);
  if (json) {
    io.print(JSON.stringify(report));
    return;
  }
  const now = new Date(io.clock.wallMs()).toISOString();
  for (const finding of findings) {
    if (known.has(keyOf(finding))) continue;
    io.print(`${now} ${finding.kind} ${finding.table} ${placeOf(finding)}: ${finding.text}`);
  }
  io.print(`${now} ${verdict(report)}`);
}
