// @ts-check
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './parts/node-modules.mjs';

/**
 * After `tsc`: what the engine loads at its start, as one file for the main thread and one for ingest threads in
 * dist/bundle, instead of a thousand; and beside each what V8 made of it (its code cache). Finding, reading and
 * compiling those took longer than all else of a start. dist/ itself stays as it is, and runs too.
 *
 * Not bundled are libraries with binaries, those that look for files of their own, and kafkajs, whose insides are
 * patched and must be there once.
 */
const APART = ['@grpc/proto-loader', '@grpc/reflection', '@node-rs/crc32', 'chdb', 'ffi-rs'];
const LATER = ['grpc-health-check', 'kafkajs', 'kafkajs/*', 'pino', 'tsx'];
/** By the names of their launchers, which are all that has a fixed name. */
const ENTRIES = { main: 'main.js', 'lane-thread': 'app/lane-thread.js' };
const WARM_MS = 30_000;

const dist = join(ROOT, 'dist');
const outdir = join(dist, 'bundle');
const bin = join(ROOT, 'bin', 'spanweir');

/** @param {string} path @param {string} text */
function located(path, text) {
  const name = relative(dist, path).replaceAll('\\', '/');
  if (name.startsWith('..')) return undefined;
  const own = text.replaceAll('import.meta.url', `(__dist+${JSON.stringify(name)})`);
  return name === 'app/lane-worker.js' ? own.replace('./lane-thread.js', '../bundle/lane-thread.cjs') : own;
}

/** @param {string} entry */
async function bundled(entry) {
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
            const contents = located(path, readFileSync(path, 'utf8'));
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
  return `(function(exports,require,module,__filename,__dirname){${ascii}\n})`;
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
  // Without the caches it starts too, only later.
  if (code !== 0) process.stderr.write(`the engine did not run, so that its code is not kept:\n${told}\n`);
  return code === 0;
}

mkdirSync(outdir, { recursive: true });
const before = readdirSync(outdir);
const launcher = readFileSync(join(ROOT, 'scripts', 'bundle', 'launch.cjs'), 'utf8');
/** @type {string[]} */
const made = [];
for (const [name, entry] of Object.entries(ENTRIES)) {
  const text = await bundled(entry);
  // A cache fits one text only; and what an engine that runs has not loaded yet is not taken away from under it.
  const file = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
  writeFileSync(join(outdir, `${file}.js`), text);
  rmSync(join(outdir, `${file}.cache`), { force: true });
  writeFileSync(join(outdir, `${name}.cjs`), launcher.replaceAll('FILE', file));
  made.push(`${file}.js`, `${file}.cache`, `${name}.cjs`);
}
for (const old of before)
  if (!made.includes(old)) rmSync(join(outdir, old), { recursive: true, force: true });
await warm();
