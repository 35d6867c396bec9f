import { copyFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../scripts/parts/child.mjs';
import { ROOT } from '../../scripts/parts/node-modules.mjs';
import { tempDirOfTest } from '../support/temp-dir.ts';

const SCRIPT = join(ROOT, 'scripts', 'bundle.mjs');

/** The engine as far as a build is concerned: it says what it is and where it comes from, or runs until it is stopped. */
const main = (version: string, more = ''): string => `
  import { laneFile } from './app/lane-worker.js';
  const from = typeof require === 'function' ? 'bundle' : 'dist';
  ${more}
  if (process.argv.includes('--config')) {
    process.on('SIGTERM', () => process.exit(0));
    process.stderr.write('Everything is ready\\n');
    setInterval(() => {}, 1000);
  } else console.log(JSON.stringify({ version: '${version}', from, lane: laneFile.href }));
`;
const LANE_WORKER = `export const laneFile = new URL('./lane-thread.js', import.meta.url);`;

/** A folder with bin/ and dist/, as after tsc. */
function project(): string {
  const root = tempDirOfTest();
  for (const dir of ['bin', 'dist/app']) mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  copyFileSync(join(ROOT, 'bin', 'spanweir'), join(root, 'bin', 'spanweir'));
  compile(root, 'one');
  return root;
}

function compile(root: string, version: string, more = '', lane = `console.log('${version}');`): void {
  writeFileSync(join(root, 'dist', 'main.js'), main(version, more));
  writeFileSync(join(root, 'dist', 'app', 'lane-worker.js'), LANE_WORKER);
  writeFileSync(join(root, 'dist', 'app', 'lane-thread.js'), lane);
  writeFileSync(join(root, 'dist', 'tsconfig.tsbuildinfo'), version);
}

const bundle = (root: string) => run(process.execPath, [SCRIPT, root]);
const files = (root: string): string[] => readdirSync(join(root, 'dist', 'bundle')).sort();

async function started(root: string): Promise<{ version: string; from: string; lane: string }> {
  return JSON.parse(await run(process.execPath, [join(root, 'bin', 'spanweir')]));
}

test('what was bundled is run, its ingest threads from the same build', async () => {
  const root = project();
  await bundle(root);
  const { version, from, lane } = await started(root);
  expect([version, from]).toEqual(['one', 'bundle']);
  expect(await run(process.execPath, [new URL(lane).pathname])).toBe('one\n');
});

test('what was compiled after the bundle is run instead of it', async () => {
  const root = project();
  await bundle(root);
  compile(root, 'two');
  const later = Date.now() / 1000 + 10;
  utimesSync(join(root, 'dist', 'tsconfig.tsbuildinfo'), later, later);
  expect(await started(root)).toMatchObject({ version: 'two', from: 'dist' });
});

test('a bundle of which one part can not be made changes nothing of the one before', async () => {
  const root = project();
  await bundle(root);
  const before = files(root).map((file) => [
    file,
    readFileSync(join(root, 'dist', 'bundle', file), 'latin1'),
  ]);
  compile(root, 'two', '', 'this is no JavaScript');
  await expect(bundle(root)).rejects.toThrow();
  expect(
    files(root).map((file) => [file, readFileSync(join(root, 'dist', 'bundle', file), 'latin1')]),
  ).toEqual(before);
  expect(await started(root)).toMatchObject({ version: 'two', from: 'dist' });
});

test('a bundle from which the engine does not run is not run', async () => {
  const root = project();
  await bundle(root);
  compile(root, 'two', `if (from === 'bundle') throw new Error('a file is missing');`);
  await bundle(root);
  expect(await started(root)).toMatchObject({ version: 'two', from: 'dist' });
});

test('the files of an engine that still runs stay for one more build, and then go', async () => {
  const root = project();
  await bundle(root);
  const { lane } = await started(root);
  const whole = files(root).length;
  for (const version of ['two', 'two', 'three']) {
    compile(root, version);
    await bundle(root);
    expect((await started(root)).version).toBe(version);
    const isThere = files(root).includes(lane.slice(lane.lastIndexOf('/') + 1));
    expect([version, isThere]).toEqual([version, version === 'two']);
  }
  expect(files(root).length).toBeLessThanOrEqual(2 * whole);
});

test('what V8 compiled is used as long as it is whole', async () => {
  const root = project();
  await bundle(root);
  const [cache = ''] = files(root).filter((file) => /^main-.*\.cache$/.test(file));
  const path = join(root, 'dist', 'bundle', cache);
  const bytes = readFileSync(path);
  for (const damaged of [
    bytes.map((byte, i) => (i > bytes.length / 3 && i < bytes.length / 2 ? byte ^ 0xff : byte)),
    bytes.subarray(0, bytes.length >> 1),
    bytes.subarray(0, 2),
  ]) {
    writeFileSync(path, damaged);
    expect(await started(root)).toMatchObject({ version: 'one', from: 'bundle' });
  }
});
