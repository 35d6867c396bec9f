// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/**
 * The processes that carry NAME=VALUE in their environment, so were started (however indirectly) by one that
 * did; this one aside. Knows nothing on systems without /proc.
 * @param {string} name
 * @param {string} value
 * @returns {{pid: number, command: string}[]}
 */
export function processesWith(name, value) {
  return pids().flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(`${name}=${value}`) || isZombie(pid)) return [];
      return [
        { pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200) },
      ];
    } catch {
      return [];
    }
  });
}

/** @param {number} pid */
function isZombie(pid) {
  return /^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function pids() {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid);
  } catch {
    return [];
  }
}
