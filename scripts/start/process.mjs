// @ts-check
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '../parts/node-modules.mjs';

/**
 * A process that speaks on this terminal, in a process group of its own: Ctrl-C reaches only who started it,
 * who then stops the parts in their order.
 * @typedef {object} Part
 * @property {string} name
 * @property {() => boolean} running
 * @property {Promise<{code: number | null, signal: string | null}>} ended never rejects
 * @property {(deadlineMs: number) => Promise<void>} stop SIGTERM; SIGKILL to the whole group at the deadline
 * @property {() => void} kill SIGKILL to the whole group, now
 */

/**
 * @param {{name: string, args: string[], env?: NodeJS.ProcessEnv, onLine?: (line: string) => void}} options
 * @returns {Part}
 */
export function startPart({ name, args, env, onLine = () => {} }) {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      onLine(line);
      process.stdout.write(`${name.padEnd(9)} ${readable(line)}\n`);
    });
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${name} could not be started: ${error.message}\n`);
      resolve({ code: 1, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const kill = () => {
    if (!running()) return;
    try {
      process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL');
    } catch {
      // It ended a moment ago.
    }
  };
  return {
    name,
    running,
    ended,
    kill,
    stop: async (deadlineMs) => {
      if (!running()) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        process.stderr.write(`${name} did not end within ${deadlineMs / 1000} s and is killed\n`);
        kill();
      }, deadlineMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * One of the engine's log lines, which are JSON, for people.
 * @param {string} line
 */
function readable(line) {
  if (!line.startsWith('{')) return line;
  try {
    const { level, time, message, component, err, ...rest } = JSON.parse(line);
    const fields = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const parts = [String(time).slice(11, 19), String(level).padEnd(5), component, message];
    if (err?.message !== undefined) parts.push(`(${err.message})`);
    return [...parts, ...fields].filter((part) => part !== undefined && part !== '').join(' ');
  } catch {
    return line;
  }
}
