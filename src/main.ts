import { COMPONENTS } from './app/components.ts';
import { armFaults } from './app/faults.ts';
import { migrate } from './app/migrate.ts';
import { run } from './app/run.ts';
import { runCli } from './cli.ts';

/** The process: signals become one orderly stop, a second one ends it at once. */
armFaults();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}
process.exitCode = await runCli(process.argv.slice(2), stop.signal, {
  table: COMPONENTS,
  variables: process.env,
  run: (config, signal) => run(config, { stop: signal }),
  migrate,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
