// @ts-check
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './parts/node-modules.mjs';

/**
 * After `tsc`: what the engine loads at its start, as one file for the main thread and one for ingest threads in
 * dist/bundle, instead of a thousand; and beside each what V8 made of it (its code cache). Finding, reading and
 * compiling those took longer than all else of a start. dist/ itself stays as it is, and runs too.
 *
 * Nothing is changed before all of it is made, and main.cjs, without which dist/ is run, comes last: there is never
 * a main thread of one build with ingest threads of another. An argument names another folder that has bin/ and dist/.
 *
 * Not bundled are libraries with binaries, those that look for files of their own, and kafkajs, whose insides are
 * patched and must be there once.
 */
const APART = ['@grpc/proto-loader', '@grpc/reflection', '@node-rs/crc32', 'chdb', 'ffi-rs'];
const LATER = ['grpc-health-check', 'kafkajs', 'kafkajs/*', 'pino', 'tsx'];
const WARM_MS = 30_000;
/** What is written: `lane-thread-0123456789ab.js`, and .cache and .cjs, by what is in it. */
const NAMES = /\b(?:main|lane-thread)-[0-9a-f]{12}\b/g;

const root = resolve(process.argv[2] ?? ROOT);
const dist = join(root, 'dist');
const outdir = join(dist, 'bundle');
const bin = join(root, 'bin', 'spanweir');
/** The only name that stays: what bin/spanweir looks for. */
const MAIN = join(outdir, 'main.cjs');

/** @param {string} path @param {string} text @param {string | undefined} lane */
function located(path, text, lane) {
  const name = relative(dist, path).replaceAll('\\', '/');
  if (name.startsWith('..')) return undefined;
  const own = text.replaceAll('import.meta.url', `(__dist+${JSON.stringify(name)})`);
  if (name !== 'app/lane-worker.js' || lane === undefined) return own;
  const parts = own.split("'./lane-thread.js'");
  if (parts.length !== 2) throw new Error(`${path} does not start its thread as it did`);
  return parts.join(`'../bundle/${lane}.cjs'`);
}

/**
 * @param {'main' | 'lane-thread'} kind
 * @param {string} entry
 * @param {string} [lane] the file that ingest threads run
 */
async function bundled(kind, entry, lane) {
  const { outputFiles } = await build({
    entryPoints: [join(dist, entry)],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifyWhitespace: true,
    keepNames: true,
    legalComments: 'none',
    charset: 'ascii',
    logLevel: 'warning',
    // In a script that is compiled from a cache there is no import() of what is not in it.
    supported: { 'dynamic-import': false },
    external: [...APART, ...LATER],
    banner: { js: "const __dist=require('node:url').pathToFileURL(__dirname+'/../').href;" },
    plugins: [
      {
        name: 'where a module was',
        setup: (bundling) => {
          bundling.onLoad({ filter: /\.js$/ }, ({ path }) => {
            const contents = located(path, readFileSync(path, 'utf8'), lane);
            return contents === undefined ? undefined : { contents };
          });
        },
      },
    ],
  });
  const { text } = /** @type {{ text: string }} */ (outputFiles[0]);
  // What is left are letters in regular expressions.
  const ascii = text.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const whole = `(function(exports,require,module,__filename,__dirname){${ascii}\n})`;
  // A cache fits one text only.
  return { name: `${kind}-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`, text: whole };
}

/**
 * Starts an engine that keeps what was compiled of it until it stopped.
 * @returns {Promise<boolean>}
 */
async function warm() {
  const args = [bin, '--config', join(ROOT, 'scripts', 'bundle', 'warm.yaml')];
  const env = { ...process.env, SPANWEIR_KEEP_CODE: '1' };
  const child = spawn(process.execPath, args, { cwd: outdir, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), WARM_MS);
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    told += text;
    if (text.includes('Everything is ready')) child.kill('SIGTERM');
  });
  const [code] = await ended;
  clearTimeout(timer);
  if (code !== 0)
    process.stderr.write(`the engine did not run from its bundle, which is left out:\n${told}\n`);
  return code === 0;
}

/** All of it or nothing. @param {string} path @param {string} text */
function write(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** The names in the launcher of a build: its own, and those of the build before. @param {string} text */
function namesIn(text) {
  const [main = '', lane = '', ...before] = new Set(text.match(NAMES));
  return { own: [main, lane], before };
}

mkdirSync(outdir, { recursive: true });
const launcher = readFileSync(join(ROOT, 'scripts', 'bundle', 'launch.cjs'), 'utf8');
const lane = await bundled('lane-thread', 'app/lane-thread.js');
const main = await bundled('main', 'main.js', lane.name);
const old = namesIn(existsSync(MAIN) ? readFileSync(MAIN, 'utf8') : '');
// An engine of the build before that still runs may have to start an ingest thread again: its files stay for one more.
const before = old.own.join() === [main.name, lane.name].join() ? old.before : old.own;
for (const { name, text } of [lane, main]) {
  write(join(outdir, `${name}.js`), text);
  rmSync(join(outdir, `${name}.cache`), { force: true });
}
write(join(outdir, `${lane.name}.cjs`), launcher.replaceAll('FILE', lane.name));
const generations = `// With ${lane.name}, after ${before.join(' and ')}\n`;
write(MAIN, launcher.replaceAll('FILE', main.name) + generations);
for (const file of readdirSync(outdir)) {
  const isKept = [main.name, lane.name, ...before].some((name) => name !== '' && file.startsWith(`${name}.`));
  const isLeft = file.endsWith('.new') || !(isKept || file === 'main.cjs');
  if (isLeft) rmSync(join(outdir, file), { recursive: true, force: true });
}
if (!(await warm())) rmSync(MAIN, { force: true });
