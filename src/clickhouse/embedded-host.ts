/**
 * Entry of the child process that is the embedded ClickHouse. The library's call returns only when the server
 * ends, and it must run on the main thread: the engine measures its stack. So a worker thread watches stdin,
 * whose end means stop: either the parent asked for it or the parent is dead.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DataType, load, open } from 'ffi-rs';
import { type HostOrder, NO_BINARY } from './embedded-engine.ts';

const order = JSON.parse(process.argv[2] ?? '{}') as HostOrder;
if (order.engine.kind === 'library') await hostLibrary(order.engine.file, order);
else hostBinary(order.engine.file, order);

async function hostLibrary(
  file: string,
  { arguments: list, host, httpPort, nonce }: HostOrder,
): Promise<void> {
  const watch = startWatch({ host, httpPort, nonce });
  // From the call on nothing else happens on this thread, so the watch must stand before it.
  await once(watch, 'message');
  open({ library: 'clickhouse', path: file });
  load({
    library: 'clickhouse',
    funcName: 'chdb_query_cmdline',
    retType: DataType.External,
    paramsType: [DataType.I32, DataType.StringArray],
    paramsValue: [list.length, [...list]],
  });
  process.exit(0);
}

/** From source (in tests) the thread must be given the TypeScript loader, which threads do not inherit. */
function startWatch(workerData: object): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./embedded-watch.js', import.meta.url), { workerData });
  }
  const loader = import.meta.resolve('tsx/esm/api');
  const watch = new URL('./embedded-watch.ts', import.meta.url).href;
  const code = `import('${loader}').then((tsx) => { tsx.register(); return import('${watch}'); });`;
  return new Worker(code, { workerData, eval: true });
}

function hostBinary(file: string, order: HostOrder): void {
  const server = spawn(file, order.arguments, { stdio: ['ignore', 'ignore', 'inherit'] });
  server.once('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(error.code === 'ENOENT' ? NO_BINARY : error.message);
    process.exitCode = 1;
    process.stdin.destroy();
  });
  server.once('exit', (code) => process.exit(code ?? 1));
  process.stdin.once('close', () => server.kill('SIGTERM'));
  process.stdin.resume();
}
