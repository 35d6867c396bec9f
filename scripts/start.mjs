// @ts-check
import { requireNode } from './start/prepare.mjs';
import { runEverything } from './start/run.mjs';

const USAGE = `npm start [-- OPTIONS]: the engine with an embedded ClickHouse, and a demo shop that sends spans to it
npm run start:kafka [-- OPTIONS]: the same through a Kafka broker (KAFKA_BROKERS, or one that is started here)

  --no-demo     without the shop, and with Jaeger's intervals and probabilities
  --rate N      times the shop's usual traffic of about 200 requests a second
  --config FILE, --set KEY=VALUE
                go to the engine, after its own (with --kafka: to the ingester)
  --help        this text
`;

/**
 * @typedef {object} Options
 * @property {boolean} kafka
 * @property {boolean} demo
 * @property {string[]} demoArgs
 * @property {string[]} engineArgs
 */

/**
 * @param {string[]} args
 * @returns {Options}
 */
function parse(args) {
  /** @type {Options} */
  const options = { kafka: false, demo: true, demoArgs: [], engineArgs: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = /** @type {string} */ (args[i]);
    const [name = '', inline] = arg.split(/=(.*)/s);
    const value = () => {
      const text = inline ?? args[++i];
      if (text === undefined) throw new Error(`${name}: a value is missing`);
      return text;
    };
    if (arg === '--kafka') options.kafka = true;
    else if (arg === '--no-demo') options.demo = false;
    else if (name === '--rate') options.demoArgs.push('--rate', value());
    else if (name === '--config' || name === '--set') options.engineArgs.push(name, value());
    else throw new Error(`unknown option ${arg}`);
  }
  return options;
}

/** @returns {Promise<number>} */
async function main() {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    requireNode();
    return await runEverything(parse(args));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exit(await main());
