import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU of a process and all its threads so far, user + system, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Largest resident set of a process so far, in MiB. */
export function maxRssMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1]) / 1024);
}
