import { cli } from './cli.ts';

/** The process: signals become one orderly stop, a second one ends it at once. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}
process.exitCode = await cli(process.argv.slice(2), stop.signal);
