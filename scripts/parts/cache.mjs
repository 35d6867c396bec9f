// @ts-check
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Where fetched and built parts are kept between runs. */
export function cacheRoot() {
  const { SPANWEIR_CACHE, XDG_CACHE_HOME } = process.env;
  if (SPANWEIR_CACHE) return SPANWEIR_CACHE;
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'spanweir');
}

/**
 * The full path of a program on PATH.
 * @param {...string} names the first one found wins
 * @returns {string | undefined}
 */
export function onPath(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      if (folder !== '' && isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes `target` (a file or folder) exist: `build` fills a folder next to it and returns the path in there
 * that becomes `target` by one rename. Two processes that want it at the same time get it once.
 * @param {string} target
 * @param {(folder: string) => Promise<string>} build
 * @returns {Promise<string>}
 */
export async function once(target, build) {
  if (existsSync(target)) return target;
  return await withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    const folder = `${target}.new-${process.pid}`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      renameSync(await build(folder), target);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return target;
  });
}

/**
 * Runs `work` while no other process holds the folder `lock`. A lock whose owner is gone is taken over.
 * @template T
 * @param {string} lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(lock, work) {
  mkdirSync(dirname(lock), { recursive: true });
  while (!take(lock)) await new Promise((resolve) => setTimeout(resolve, 200));
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

/** @param {string} lock */
function take(lock) {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  return true;
}

/** @param {string} lock */
function isAbandoned(lock) {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'));
    if (pid > 0) return !isAlive(pid);
  } catch {
    // The owner has not written its pid yet, or has just gone.
  }
  try {
    return Date.now() - statSync(lock).mtimeMs > 10_000;
  } catch {
    return false;
  }
}

/**
 * Whether a process with this id exists.
 * @param {number} pid
 */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * One line of progress, on stderr: standard output belongs to the command that is running.
 * @param {string} line
 */
export function progress(line) {
  process.stderr.write(`${line}\n`);
}
