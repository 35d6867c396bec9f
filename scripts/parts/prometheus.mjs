// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureProgram } from './apt.mjs';
import { startChild, untilReady } from './child.mjs';
import { freePort } from './ports.mjs';

/**
 * The paths of prometheus and promtool.
 * @returns {Promise<{prometheus: string, promtool: string}>}
 */
export async function ensurePrometheus() {
  const prometheus = await ensureProgram({
    what: 'Prometheus',
    programs: ['prometheus'],
    package: 'prometheus',
  });
  const promtool = await ensureProgram({ what: 'promtool', programs: ['promtool'], package: 'prometheus' });
  return { prometheus, promtool };
}

/**
 * @typedef {object} Prometheus
 * @property {string} url
 * @property {string} promtool path of the program
 * @property {string} targetsDir a *.json file put here is read within a second: file_sd's format
 * @property {import('./child.mjs').Child} child
 * @property {() => Promise<void>} stop
 */

/**
 * A Prometheus of its own in `dir`.
 * @param {{dir: string, port?: number, targets?: string[], scrapeInterval?: string, flags?: string[]}} options
 *   `targets`: host:port, scraped as job "static"; `flags` such as --enable-feature=native-histograms
 * @returns {Promise<Prometheus>}
 */
export async function startPrometheus({ dir, port, targets = [], scrapeInterval = '1s', flags = [] }) {
  const { prometheus, promtool } = await ensurePrometheus();
  const targetsDir = join(dir, 'targets');
  mkdirSync(targetsDir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  writeFileSync(config, JSON.stringify(settings({ targets, targetsDir, scrapeInterval }), undefined, 2));
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const storage = `--storage.tsdb.path=${join(dir, 'tsdb')}`;
  const child = await startChild({
    name: 'Prometheus',
    command: prometheus,
    args: [`--config.file=${config}`, storage, `--web.listen-address=${address}`, ...flags],
    logFile: join(dir, 'prometheus.out'),
  });
  const url = `http://${address}`;
  await untilReady(child, async () => (await fetch(`${url}/-/ready`)).ok);
  const stop = async () => {
    await child.stop();
  };
  return { url, promtool, targetsDir, child, stop };
}

/**
 * Prometheus reads YAML, of which JSON is a part.
 * @param {{targets: string[], targetsDir: string, scrapeInterval: string}} options
 */
function settings({ targets, targetsDir, scrapeInterval }) {
  const files = [{ files: [join(targetsDir, '*.json')], refresh_interval: '1s' }];
  return {
    global: {
      scrape_interval: scrapeInterval,
      scrape_timeout: scrapeInterval,
      evaluation_interval: scrapeInterval,
    },
    scrape_configs: [
      { job_name: 'static', honor_labels: true, static_configs: [{ targets }] },
      { job_name: 'files', honor_labels: true, file_sd_configs: files },
    ],
  };
}
