// @ts-check
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './parts/node-modules.mjs';

/**
 * After `tsc`: what the engine loads at its start, in a few files of dist/bundle instead of a thousand. Finding and
 * reading those took longer than all else of a start. dist/ itself stays as it is, and runs too.
 *
 * Not bundled are libraries with binaries, those that look for files of their own, and kafkajs, whose insides are
 * patched and must be there once.
 */
const APART = ['@grpc/grpc-js', '@grpc/proto-loader', '@grpc/reflection', '@node-rs/crc32', 'chdb', 'ffi-rs'];
const LATER = ['grpc-health-check', 'kafkajs', 'kafkajs/*', 'pino', 'tsx'];
/** Looks for the entry of the thread beside itself, which is bundled too. */
const AT_ITS_PLACE = 'app/lane-worker.js';

const dist = join(ROOT, 'dist');
const outdir = join(dist, 'bundle');
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(dist, 'main.js'), join(dist, 'app', 'lane-thread.js')],
  outdir,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
  external: [...APART, ...LATER],
  banner: {
    js: [
      "import{createRequire as __createRequire}from'node:module';",
      'const require=__createRequire(import.meta.url);',
      "const __dist=new URL('../',import.meta.url).href;",
    ].join(''),
  },
  plugins: [
    {
      name: 'where a module was',
      setup: (bundling) => {
        bundling.onLoad({ filter: /\.js$/ }, ({ path }) => {
          const name = relative(dist, path).replaceAll('\\', '/');
          if (name.startsWith('..') || name === AT_ITS_PLACE) return undefined;
          const text = readFileSync(path, 'utf8');
          return { contents: text.replaceAll('import.meta.url', `(__dist+${JSON.stringify(name)})`) };
        });
      },
    },
  ],
});
