/**
 * Worker thread beside the embedded engine: when stdin ends it asks the engine to end (by ending the query in
 * which it sleeps), and when that does not help it ends the process.
 */
import { request } from 'node:http';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { KEEPER_PREFIX } from './embedded-engine.ts';

const GIVE_UP_MS = 20_000;
const { host, httpPort, nonce } = workerData as { host: string; httpPort: number; nonce: string };

const stdin = new Socket({ fd: 0, readable: true, writable: false });
stdin.on('error', () => stdin.destroy());
stdin.once('end', () => stdin.destroy());
stdin.once('close', stop);
stdin.resume();
parentPort?.postMessage('watching');

function stop(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GIVE_UP_MS);
  askToEnd();
}

/** Asked again until it is heard: the engine may not be listening yet. */
function askToEnd(): void {
  const target = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const options = { host: target, port: httpPort, path: '/', method: 'POST', timeout: 2_000, agent: false };
  const ask = request(options, (reply) => {
    reply.resume();
    reply.once('close', () => setTimeout(askToEnd, 1_000));
  });
  ask.once('error', () => setTimeout(askToEnd, 100));
  ask.once('timeout', () => ask.destroy());
  ask.end(`KILL QUERY WHERE query LIKE '${KEEPER_PREFIX}%${nonce}%' ASYNC`);
}
