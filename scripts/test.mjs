// @ts-check
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progress } from './parts/cache.mjs';
import { runVisibly } from './parts/child.mjs';
import { ensureChromium } from './parts/chromium.mjs';
import { ensureKafka, kafkaFromEnvironment } from './parts/kafka.mjs';
import { ensureKcat } from './parts/kcat.mjs';
import { processesWith } from './parts/leftovers.mjs';
import { ensureNodeModules, ROOT } from './parts/node-modules.mjs';
import { ensurePrometheus } from './parts/prometheus.mjs';

/**
 * `npm test`: installs what is missing, builds, runs every test against the real parts, and ends with one line
 * `N passed, N failed, N skipped`. Arguments are vitest's (names of files). `--failed-before=N` adds N things
 * that failed before this was called.
 */
const RUN = 'SPANWEIR_TEST_RUN';

/** @typedef {{passed: number, failed: number, skipped: number}} Counts */

async function main() {
  const before = process.argv.slice(2).find((arg) => arg.startsWith('--failed-before='));
  const filters = process.argv.slice(2).filter((arg) => arg !== before);
  /** @type {Counts} */
  const total = { passed: 0, failed: Number(before?.split('=')[1] ?? 0), skipped: 0 };
  const onCi = process.env.CI === 'true';
  try {
    await prepare();
    if (!(await build())) {
      progress('the build failed');
      total.failed++;
    }
    const unit = await runProject('unit', filters);
    // Those that run two at a time, then those that run alone.
    const integration = await runProject('integration*', filters);
    for (const counts of [unit, integration]) add(total, counts);
    if (onCi && integration.skipped > 0) {
      progress(`${integration.skipped} integration tests were skipped: on CI that is a failure`);
      process.exitCode = 1;
    }
    if (total.passed + total.failed === 0) {
      progress('no test ran');
      process.exitCode = 1;
    }
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error));
    total.failed++;
  }
  if (total.failed > 0) process.exitCode = 1;
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
}

async function prepare() {
  await ensureNodeModules();
  const parts = [ensurePrometheus(), ensureKcat(), ensureChromium()];
  const kafka = kafkaFromEnvironment() ? [] : [ensureKafka()];
  const missing = (await Promise.allSettled([...parts, ...kafka])).filter(
    (part) => part.status === 'rejected',
  );
  if (missing.length > 0) throw new Error(missing.map(({ reason }) => reason.message).join('\n'));
}

async function build() {
  const args = [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.json'];
  if ((await runVisibly(process.execPath, args, { cwd: ROOT })) !== 0) return false;
  return (await runVisibly(process.execPath, [join(ROOT, 'scripts', 'bundle.mjs')], { cwd: ROOT })) === 0;
}

/**
 * Runs one of vitest's projects, or those that a pattern means. Whatever it starts carries a mark; what is left of
 * it afterwards is a failure.
 * @param {string} project
 * @param {string[]} filters
 * @returns {Promise<Counts>}
 */
async function runProject(project, filters) {
  const folder = mkdtempSync(join(tmpdir(), 'spanweir-test-'));
  const report = join(folder, 'report.json');
  const mark = randomUUID();
  const options = ['--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json'];
  const args = [bin('vitest', 'vitest.mjs'), 'run', ...options, `--outputFile.json=${report}`, ...filters];
  try {
    const env = { ...process.env, [RUN]: mark, TMPDIR: folder };
    const code = await runVisibly(process.execPath, args, { cwd: ROOT, env });
    const counts = existsSync(report) ? readReport(report) : { passed: 0, failed: 0, skipped: 0 };
    if (code !== 0 && counts.failed === 0) {
      progress(`${project}: vitest ended with ${code} although no test failed`);
      counts.failed = 1;
    }
    counts.failed += await endLeftovers(mark);
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} file vitest's JSON report
 * @returns {Counts}
 */
function readReport(file) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of JSON.parse(readFileSync(file, 'utf8')).testResults) {
    const failedBefore = counts.failed;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else counts.skipped++;
    }
    // A file that could not be loaded, or whose hooks failed.
    if (status === 'failed' && counts.failed === failedBefore) counts.failed++;
  }
  return counts;
}

/**
 * Gives processes of the run a moment to end, names and ends those that don't, and returns how many.
 * @param {string} mark
 */
async function endLeftovers(mark) {
  const deadline = performance.now() + 10_000;
  let left = processesWith(RUN, mark);
  while (left.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    left = processesWith(RUN, mark);
  }
  for (const { pid, command } of left) {
    progress(`left behind by the tests: ${pid} ${command}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended a moment ago.
    }
  }
  return left.length;
}

/**
 * @param {Counts} sum
 * @param {Counts} counts
 */
function add(sum, counts) {
  sum.passed += counts.passed;
  sum.failed += counts.failed;
  sum.skipped += counts.skipped;
}

/**
 * @param {string} name
 * @param {string} file
 */
function bin(name, file) {
  return join(ROOT, 'node_modules', name, file);
}

// Ctrl-C reaches the tests, too; they end, and then so does this.
process.on('SIGINT', () => {
  process.exitCode = 130;
});
await main();
