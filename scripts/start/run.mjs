// @ts-check
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../parts/node-modules.mjs';
import { showWhatIsThere } from './greeting.mjs';
import { prepare } from './prepare.mjs';
import { startPart } from './process.mjs';

/** @typedef {import('./process.mjs').Part} Part */

const DEMO_DEADLINE_MS = 8000;
const ENGINE_DEADLINE_MS = 45_000;
const BROKER_DEADLINE_MS = 20_000;
/** npm hands on the Ctrl-C that this process has already had from the terminal. */
const SAME_SIGNAL_MS = 700;

/**
 * Prepares, starts the parts, waits for the end, and stops the parts in order: shop, engine, broker.
 * @param {import('../start.mjs').Options} options
 * @returns {Promise<number>} the exit code
 */
export async function runEverything(options) {
  /** In the order in which they are to stop. @type {{part: Part, deadlineMs: number}[]} */
  const parts = [];
  const stopped = listenForStop(() => {
    for (const { part } of parts) part.kill();
  });
  await prepare();
  if (stopped.isSet()) return 0;

  /** The first engine process that ended by itself. @type {Promise<number>} */
  let broken = new Promise(() => {});
  /** @param {Part} part */
  const watch = (part) => {
    const ended = part.ended.then(({ code, signal }) => {
      if (stopped.isSet()) return new Promise(() => {});
      process.stderr.write(`${part.name} ended by itself with ${signal ?? `exit code ${code}`}\n`);
      return code === null || code === 0 ? 1 : code;
    });
    broken = Promise.race([broken, ended]);
  };

  const { engines, ready, broker } = options.kafka ? await startRoles(options) : startAllInOne(options);
  for (const part of engines) parts.push({ part, deadlineMs: ENGINE_DEADLINE_MS });
  if (broker !== undefined) parts.push({ part: broker, deadlineMs: BROKER_DEADLINE_MS });
  for (const { part } of parts) watch(part);

  const first = await Promise.race([ready.then(() => 'ready'), broken, stopped.promise.then(() => 'stop')]);
  if (first === 'ready') {
    await showWhatIsThere(options);
    if (options.demo) {
      const shop = startPart({
        name: 'shop',
        args: ['--import', 'tsx', 'demo/shop.ts', ...options.demoArgs],
      });
      parts.unshift({ part: shop, deadlineMs: DEMO_DEADLINE_MS });
      void shop.ended.then(({ code, signal }) => {
        if (stopped.isSet()) return;
        process.stderr.write(`the shop ended with ${signal ?? `exit code ${code}`}; the engine goes on\n`);
      });
    }
  }
  const code = await Promise.race([broken, stopped.promise.then(() => 0)]);
  stopped.set();
  process.stdout.write('stopping\n');
  for (const { part, deadlineMs } of parts) await part.stop(deadlineMs);
  process.stdout.write('stopped\n');
  return code;
}

/**
 * @param {import('../start.mjs').Options} options
 * @returns {{engines: Part[], ready: Promise<void>, broker?: Part}}
 */
function startAllInOne({ demo, engineArgs }) {
  const configs = ['--config', 'pipelines/all-in-one.yaml'];
  if (demo) configs.push('--config', 'pipelines/demo.yaml');
  const engine = startEngine('engine', [...configs, ...engineArgs]);
  return { engines: [engine.part], ready: engine.ready };
}

/**
 * @param {import('../start.mjs').Options} options
 * @returns {Promise<{engines: Part[], ready: Promise<void>, broker: Part}>}
 */
async function startRoles({ demo, engineArgs }) {
  const { part: broker, brokers } = await startBroker();
  const env = { KAFKA_BROKERS: brokers.join(',') };
  const ingesterConfigs = ['pipelines/ingester.yaml'];
  if (!process.env.CLICKHOUSE_URL) ingesterConfigs.push('pipelines/embedded-clickhouse.yaml');
  if (demo) ingesterConfigs.push('pipelines/demo.yaml');
  const collector = startEngine(
    'collector',
    [
      '--config',
      'pipelines/collector.yaml',
      // The ingester has the usual ports of these two.
      '--set',
      'service.telemetry.metrics.address=localhost:8887',
      '--set',
      'extensions.healthcheckv2.http.endpoint=localhost:14133',
    ],
    env,
  );
  const ingester = startEngine(
    'ingester',
    [...ingesterConfigs.flatMap((file) => ['--config', file]), ...engineArgs],
    env,
  );
  const ready = Promise.all([collector.ready, ingester.ready]).then(() => {});
  return { engines: [collector.part, ingester.part], ready, broker };
}

/**
 * @param {string} name
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function startEngine(name, args, env = {}) {
  /** @type {() => void} */
  let isReady = () => {};
  /** @type {Promise<void>} */
  const ready = new Promise((resolve) => {
    isReady = resolve;
  });
  const part = startPart({
    name,
    args: ['bin/spanweir', ...args],
    env,
    onLine: (line) => {
      if (line.includes('"Everything is ready"')) isReady();
    },
  });
  return { part, ready };
}

/** @returns {Promise<{part: Part, brokers: string[]}>} */
async function startBroker() {
  process.stdout.write('starting Kafka\n');
  const child = fork(join(ROOT, 'scripts', 'start', 'broker.mjs'), [], { detached: true, cwd: ROOT });
  /** @type {Part['ended']} */
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  /** @type {string[] | undefined} */
  const brokers = await Promise.race([
    new Promise((resolve) => {
      child.once('message', (message) => resolve(/** @type {{brokers: string[]}} */ (message).brokers));
    }),
    ended.then(() => undefined),
  ]);
  if (brokers === undefined) throw new Error('there is no broker: see above');
  process.stdout.write(`Kafka is at ${brokers.join(', ')}\n`);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    brokers,
    part: {
      name: 'Kafka',
      running,
      ended,
      kill: () => void child.kill('SIGKILL'),
      stop: async (deadlineMs) => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
        await ended;
        clearTimeout(timer);
      },
    },
  };
}

/**
 * The first signal asks for an orderly end, the second one forces it.
 * @param {() => void} force
 */
function listenForStop(force) {
  /** @type {() => void} */
  let resolve = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((done) => {
    resolve = done;
  });
  let firstMs = 0;
  let isSet = false;
  const set = () => {
    isSet = true;
    resolve();
  };
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(name, () => {
      if (firstMs === 0) {
        firstMs = Date.now();
        set();
      } else if (Date.now() - firstMs > SAME_SIGNAL_MS) {
        process.stderr.write('forced\n');
        force();
        process.exit(130);
      }
    });
  }
  return { promise, isSet: () => isSet, set };
}
