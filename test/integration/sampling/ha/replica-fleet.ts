import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { startChild } from '../../../../scripts/parts/child.mjs';
import { type OnFinished, tempDirOfTest } from '../../../support/temp-dir.ts';

/** A line of replica-process.ts. */
export interface Line {
  readonly self: string;
  readonly atMs: number;
  readonly version?: number;
  readonly rate?: number;
  readonly fenced?: number;
  readonly decides?: boolean;
  readonly stops?: boolean;
}

export interface ReplicaProcess {
  readonly self: string;
  lines(): Line[];
  version(): number;
  decides(): boolean;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<unknown>;
}

/** It ends when the test does whose `onTestFinished` is given. */
export async function startReplicaProcess(
  onTestFinished: OnFinished,
  topic: string,
  self: string,
  how = '',
): Promise<ReplicaProcess> {
  const logFile = join(tempDirOfTest(onTestFinished), `${self}.out`);
  const entry = fileURLToPath(new URL('./replica-process.ts', import.meta.url));
  const child = await startChild({
    name: self,
    command: process.execPath,
    args: ['--import', 'tsx', entry, inject('kafkaBrokers').join(','), topic, self, how],
    logFile,
  });
  onTestFinished(async () => {
    await child.kill();
  });
  const lines = (): Line[] =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  return {
    self,
    lines,
    version: () => lines().findLast(({ version }) => version !== undefined)?.version ?? 0,
    decides: () =>
      child.running() && lines().findLast(({ decides }) => decides !== undefined)?.decides === true,
    signal: (signal) => void process.kill(child.pid, signal),
    kill: () => child.kill(),
  };
}

/** What all processes served, put together: versions that went back, and one version with two rates. */
export function contradictions(processes: readonly ReplicaProcess[]): string[] {
  const wrong: string[] = [];
  const rates = new Map<number, number>();
  for (const replica of processes) {
    let before = 0;
    for (const { version, rate } of replica.lines()) {
      if (version === undefined || rate === undefined) continue;
      if (version <= before) wrong.push(`${replica.self} served ${version} after ${before}`);
      before = version;
      const known = rates.get(version) ?? rate;
      if (known !== rate) wrong.push(`version ${version} is ${known} and ${rate}`);
      rates.set(version, known);
    }
  }
  const versions = [...rates.keys()].sort((a, b) => a - b);
  for (const [i, version] of versions.entries()) {
    const next = versions[i + 1];
    if (next !== version + 1) continue;
    const step = Math.abs((rates.get(next) as number) / (rates.get(version) as number) - 1);
    if (step > 0.011) wrong.push(`${version} -> ${next} is a jump of ${step}`);
  }
  return wrong;
}
