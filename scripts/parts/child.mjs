// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A process that was started here.
 * @typedef {object} Child
 * @property {string} name
 * @property {number} pid
 * @property {string} logFile its output, both streams
 * @property {() => boolean} running
 * @property {() => string} logTail the last lines of its output
 * @property {Promise<Ended>} ended resolves when it has ended; never rejects
 * @property {(deadlineMs?: number) => Promise<Ended>} stop SIGTERM, then SIGKILL when the deadline is over
 * @property {() => Promise<Ended>} kill SIGKILL: what a crash looks like
 *
 * @typedef {{code: number | null, signal: NodeJS.Signals | null}} Ended
 */

/**
 * Starts a process whose output goes to a file. It ends with this process, however this one ends.
 * @param {{name: string, command: string, args: string[], logFile: string, cwd?: string,
 *   env?: NodeJS.ProcessEnv}} options
 * @returns {Promise<Child>}
 */
export async function startChild({ name, command, args, logFile, cwd, env }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', log, log] });
  closeSync(log);
  const pid = await new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(/** @type {number} */ (child.pid)));
    child.once('error', (error) => reject(new Error(`${name} could not be started: ${error.message}`)));
  });
  watch(pid);
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      unwatch(pid);
      resolve({ code, signal });
    });
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  /** @param {NodeJS.Signals} signal */
  const send = (signal) => {
    if (running()) child.kill(signal);
    return ended;
  };
  return {
    name,
    pid,
    logFile,
    ended,
    running,
    logTail: () => tail(logFile),
    kill: () => send('SIGKILL'),
    stop: async (deadlineMs = 10_000) => {
      const timer = setTimeout(() => void send('SIGKILL'), deadlineMs);
      const how = await send('SIGTERM');
      clearTimeout(timer);
      return how;
    },
  };
}

/**
 * Asks `ready` until it answers with something true; rejects, with the child's last lines, when the child
 * ends or the deadline is over. A `ready` that throws counts as "not yet".
 * @template T
 * @param {Child} child
 * @param {() => Promise<T | undefined | null | false>} ready
 * @param {{deadlineMs?: number, everyMs?: number}} [options]
 * @returns {Promise<T>}
 */
export async function untilReady(child, ready, { deadlineMs = 60_000, everyMs = 50 } = {}) {
  const end = performance.now() + deadlineMs;
  /** @type {unknown} */
  let lastError;
  while (performance.now() < end) {
    if (!child.running()) throw new Error(`${child.name} ended while starting\n${child.logTail()}`);
    try {
      const answer = await ready();
      if (answer) return answer;
    } catch (error) {
      lastError = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  const why = lastError instanceof Error ? ` (${lastError.message})` : '';
  await child.stop();
  throw new Error(`${child.name} was not ready after ${deadlineMs} ms${why}\n${child.logTail()}`);
}

/**
 * Runs a command to its end and returns its standard output; rejects with its last lines when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, input?: string | Uint8Array}} [options]
 * @returns {Promise<string>}
 */
export function run(command, args, { cwd, env, input } = {}) {
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: [stdin, 'pipe', 'pipe'] });
    let out = '';
    let all = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
      all = (all + text).slice(-20_000);
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      all = (all + text).slice(-20_000);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(out);
      const last = all.trim().split('\n').slice(-15).join('\n');
      reject(
        new Error(`${[command, ...args].join(' ').slice(0, 300)}: ended with ${signal ?? code}\n${last}`),
      );
    });
  });
}

/**
 * Runs a command to its end with this process' own output; resolves with its exit code (1 after a signal).
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv}} [options]
 * @returns {Promise<number>}
 */
export function runVisibly(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit']);
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: [...stdio] });
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** @param {string} file */
function tail(file) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-30).join('\n');
  } catch {
    return '';
  }
}

/**
 * A shell that holds the other end of a pipe and the list of living children: when this process is gone, also
 * by SIGKILL, it ends what is left, by pid.
 */
const REAPER = `
trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) before=\${pids%% $pid *}; after=\${pids#* $pid }; [ "$before" = "$pids" ] || pids="$before $after" ;;
  esac
done
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
for _ in 1 2 3 4 5 6 7 8 9 10; do
  left=''
  for pid in $pids; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
  [ -z "$left" ] && exit 0
  pids=$left
  sleep 0.5
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
`;

/** @type {import('node:child_process').ChildProcess | undefined} */
let reaper;
/** @type {Set<number>} */
const living = new Set();

/** @param {number} pid */
function watch(pid) {
  living.add(pid);
  if (reaper === undefined || reaper.exitCode !== null) {
    reaper = spawn('sh', ['-c', REAPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.on('error', () => {});
    reaper.stdin?.on('error', () => {});
    reaper.unref();
    /** @type {any} */ (reaper.stdin)?.unref?.();
    for (const known of living) tell('+', known);
    return;
  }
  tell('+', pid);
}

/** @param {number} pid */
function unwatch(pid) {
  living.delete(pid);
  tell('-', pid);
  if (living.size > 0) return;
  reaper?.stdin?.end();
  reaper = undefined;
}

/**
 * @param {'+' | '-'} sign
 * @param {number} pid
 */
function tell(sign, pid) {
  reaper?.stdin?.write(`${sign} ${pid}\n`);
}

process.on('exit', () => {
  for (const pid of living) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // It ended a moment ago.
    }
  }
});
