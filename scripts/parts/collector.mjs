// @ts-check
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, once, onPath, progress } from './cache.mjs';
import { run, startChild, untilReady } from './child.mjs';

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.155.0';
const MODULES = fileURLToPath(new URL('../../bench/parts/otelcol-builder.yaml', import.meta.url));

/**
 * The path of the OpenTelemetry Collector that we compare ourselves with, built once from its Go modules with
 * its own builder (minutes).
 * @returns {Promise<string>}
 */
export async function ensureCollector() {
  return await once(join(cacheRoot(), 'collector', 'otelcol'), async (folder) => {
    if (!onPath('go'))
      throw new Error(
        'the collector is built with Go 1.25 or newer, which is missing: see https://go.dev/doc/install',
      );
    progress('building the OpenTelemetry Collector from its Go modules; this takes some minutes');
    const bin = join(folder, 'bin');
    copyFileSync(MODULES, join(folder, 'builder.yaml'));
    await run('go', ['install', BUILDER], { env: { ...process.env, GOBIN: bin } });
    // Its own `go mod tidy` stumbles over a module that only tests need; by then the sources are written.
    await run(join(bin, 'builder'), ['--config', 'builder.yaml', '--skip-compilation'], {
      cwd: folder,
    }).catch(() => '');
    const out = join(folder, 'otelcol');
    const build = ['build', '-mod=mod', '-trimpath', '-ldflags', '-s -w', '-o', out, '.'];
    await run('go', build, { cwd: join(folder, 'build') });
    return out;
  });
}

/**
 * Starts the collector with a configuration (an object in the form of its YAML, or YAML text) and waits until it says that everything
 * is ready. Its log is `child.logFile`.
 * @param {{dir: string, config: object | string, args?: string[], env?: NodeJS.ProcessEnv}} options `args` such as
 *   --feature-gates, `env` such as GOGC
 * @returns {Promise<import('./child.mjs').Child>}
 */
export async function startCollector({ dir, config, args = [], env = {} }) {
  const command = await ensureCollector();
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'collector.yaml');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config, undefined, 2));
  const logFile = join(dir, 'collector.out');
  // What an earlier life has logged there says nothing about this one.
  const earlier = existsSync(logFile) ? readFileSync(logFile).length : 0;
  const child = await startChild({
    name: 'the collector',
    command,
    args: [`--config=${file}`, ...args],
    logFile,
    env: { ...process.env, ...env },
  });
  // Not in the last lines alone: several receivers soon log more than those.
  await untilReady(child, async () =>
    readFileSync(logFile).subarray(earlier).includes('Everything is ready'),
  );
  return child;
}
