import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFileProvider } from '../../../src/extensions/remote-sampling/sources/file-provider.ts';
import { strategyFor } from '../../../src/sampling/strategies/snapshot.ts';
import { fileStrategy } from '../../../src/sampling/strategies/strategies-file.ts';
import { eventually } from '../../extensions/remote-sampling/eventually.ts';
import { NO_HURRY, type Recording, recording } from '../../extensions/remote-sampling/recording.ts';
import { serving } from '../../extensions/remote-sampling/served.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { type Json, known, type Runner, titleOf } from './section.ts';

async function inTempDir<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'spanweir-strategies-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function provider(path: string, probability: number, seen: Recording, reloadMs = 0) {
  const config = { path, reload_interval: reloadMs, default_sampling_probability: probability };
  return createFileProvider(config, seen.context);
}

/** A fixture's text; what is no fixture but JSON is the text itself. */
function textOf(section: Json, file: string): string | undefined {
  const fixture = section.fixtures?.[file];
  if (fixture !== undefined) return JSON.stringify(fixture);
  return /^["[{\d]|^(true|false|null)$/.test(file) ? file : undefined;
}

async function fileCase(each: Json, section: Json): Promise<void> {
  const seen = recording();
  const probability =
    each.default_sampling_probability_option ?? section.default_sampling_probability ?? 0.001;
  if (each.strategy !== undefined) {
    const warnings: string[] = [];
    const strategy = fileStrategy(each.strategy, probability, (message) => warnings.push(message));
    expect(strategy).toEqual(each.expected);
    if (each.log !== undefined) expect(warnings).toContain(each.log);
    return;
  }
  await inTempDir(async (dir) => {
    let path = each.file ?? '';
    const text = path === '' ? undefined : textOf(section, path);
    if (text !== undefined) {
      path = join(dir, 'strategies.json');
      await writeFile(path, text);
    }
    const created = provider(path, probability, seen);
    if (each.constructor_error !== undefined) {
      await expect(created.start()).rejects.toMatchObject({ message: each.constructor_error });
      return;
    }
    if (each.constructor_error_contains !== undefined) {
      await expect(created.start()).rejects.toThrow(each.constructor_error_contains);
      return;
    }
    await created.start();
    expect(strategyFor(created.snapshot, each.service)).toEqual(each.expected);
    if (each.log !== undefined) expect(seen.logged).toContain(each.log);
  });
}

const RATE = (rate: number): string =>
  JSON.stringify({ service_strategies: [{ service: 'foo', type: 'probabilistic', param: rate }] });

function rateOfFoo(created: ReturnType<typeof provider>): number | undefined {
  return strategyFor(created.snapshot, 'foo').probabilisticSampling?.samplingRate;
}

/** Starts with rate 0.8, changes the source, and lets one reload pass. */
async function reloaded(
  change: (path: string) => Promise<void>,
  check: (created: ReturnType<typeof provider>, seen: Recording) => void | Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const seen = recording({ clock });
  await inTempDir(async (dir) => {
    const path = join(dir, 'strategies.json');
    await writeFile(path, RATE(0.8));
    const created = provider(path, 0.001, seen, 1000);
    await created.start();
    expect(rateOfFoo(created)).toBe(0.8);
    await change(path);
    await clock.advance(1000);
    await check(created, seen);
    await created.stop(NO_HURRY);
  });
}

const RELOADS: Readonly<Record<string, (each: Json) => Promise<void>>> = {
  'unchanged content vs last value': async () => {
    await reloaded(
      async () => {},
      async (created, seen) => {
        const count = 'spanweir_sampling_file_reloads_total{result="unchanged"}';
        await eventually(() => expect(seen.metrics.get(count)).toBe(1));
        expect(rateOfFoo(created)).toBe(0.8);
      },
    );
  },
  'file content 0.8 -> 0.9': async () => {
    await reloaded(
      (path) => writeFile(path, RATE(0.9)),
      (created) => eventually(() => expect(rateOfFoo(created)).toBe(0.9)),
    );
  },
  'unreadable path / 404 / relative non-URL': async (each) => {
    await reloaded(
      (path) => rm(path),
      async (created, seen) => {
        await eventually(() => expect(seen.logged).toContain(each.log));
        expect(rateOfFoo(created)).toBe(0.8);
      },
    );
  },
  'content "bad value" or "bad-content"': async (each) => {
    for (const text of ['bad value', 'bad-content', '"bad value"']) {
      await reloaded(
        (path) => writeFile(path, text),
        async (created, seen) => {
          await eventually(() => expect(seen.logged).toContain(each.log));
          expect(rateOfFoo(created)).toBe(0.8);
        },
      );
    }
  },
};

async function urlCase(each: Json, section: Json): Promise<void> {
  const seen = recording();
  const body = (each.body === undefined ? undefined : textOf(section, each.body)) ?? 'not this time';
  await serving(
    (_request, response) => void response.writeHead(each.status).end(body),
    async (port) => {
      const created = provider(`http://127.0.0.1:${port}/strategies.json`, 0.001, seen);
      if (each.error_contains !== undefined) {
        await expect(created.start()).rejects.toThrow(each.error_contains);
        return;
      }
      await created.start();
      const rate = known({ parsed: 0.8, 'treated as JSON null -> defaults': 0.001 }, each.result);
      expect(rateOfFoo(created)).toBe(rate);
      if (each.log !== undefined) expect(seen.logged).toContain(each.log);
    },
  );
}

export const fileSections: Readonly<Record<string, Runner>> = {
  file_provider: (section) => {
    const parts = { cases: fileCase, reload: (each: Json) => known(RELOADS, each.case)(each), url: urlCase };
    const told = Object.keys(section).filter((key) => Array.isArray(section[key]));
    expect(Object.keys(parts)).toEqual(expect.arrayContaining(told));
    for (const [part, run] of Object.entries(parts)) {
      describe(part, () => {
        ((section[part] ?? []) as Json[]).forEach((each, i) => {
          test(titleOf({ ...each, name: each.file ?? each.status }, i), () => run(each, section));
        });
      });
    }
  },
};
