import { setFlagsFromString } from 'node:v8';
import { EXIT } from './app/commands/command.ts';
import { dlqCommand } from './app/commands/dlq.ts';
import { migrateCommand } from './app/commands/migrate.ts';
import { queryCommand } from './app/commands/query/query.ts';
import { replayCommand } from './app/commands/replay.ts';
import { samplingCommand } from './app/commands/sampling/sampling.ts';
import { openScreen } from './app/commands/screen.ts';
import { simulateCommand } from './app/commands/simulate/simulate.ts';
import { createTerminal } from './app/commands/terminal.ts';
import { topCommand } from './app/commands/top/top.ts';
import { verifyCommand } from './app/commands/verify.ts';
import { COMPONENTS } from './app/components.ts';
import { armFaults } from './app/faults.ts';
import { run } from './app/run.ts';
import { systemClock } from './base/clock.ts';
import { runCli } from './cli.ts';
import { createLog } from './telemetry/logger.ts';

/** The process: signals become one orderly stop, a second one ends it at once. */
armFaults();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}
// Whoever reads what a command prints may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stop.abort();
});
const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
// Until it is known: an engine that ends without a word has failed.
process.exitCode = EXIT.failed;
void runCli(process.argv.slice(2), stop.signal, {
  table: COMPONENTS,
  commands: [
    dlqCommand,
    migrateCommand,
    queryCommand,
    replayCommand,
    samplingCommand,
    simulateCommand,
    topCommand,
    verifyCommand,
  ],
  variables: process.env,
  run: (config, signal) => run(config, { stop: signal, onReady: keepYoungSpace }),
  ...createTerminal(process.stdout, process.stderr, systemClock),
  openScreen: isTerminal ? () => openScreen(process.stdin, process.stdout) : undefined,
  clock: systemClock,
  logFor: (config) => createLog(config.service.telemetry.logs),
}).then((code) => {
  process.exitCode = code;
});

/**
 * The main thread's heap was there before any flag was read, and its room for young objects would go on growing to 32
 * MB, which it keeps. (V8 takes a factor of 1 back when a thread is started.)
 */
function keepYoungSpace(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
