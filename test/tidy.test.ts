import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMPONENTS } from '../src/app/components.ts';
import { generatedDocs } from '../src/cli.ts';
import { METRICS } from '../src/telemetry/metrics.ts';

/** The house is kept in order by reading its text. */
const ROOT = join(import.meta.dirname, '..');

/** A room's floor. A file imports its own room and lower floors only. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  span: 1,
  sketch: 1,
  window: 1,
  red: 2,
  dependencies: 2,
  sampling: 2,
  flow: 3,
  kafka: 4,
  clickhouse: 4,
  http: 4,
  grpc: 4,
  telemetry: 4,
  // One room per component: they share the rooms above, and do not know each other.
  receivers: 4.5,
  processors: 4.5,
  connectors: 4.5,
  exporters: 4.5,
  extensions: 4.5,
  config: 5,
  app: 5.5,
  door: 6,
};

const COMPONENT_ROOMS = new Set(['receivers', 'processors', 'connectors', 'exporters', 'extensions']);

const SKIPPED = new Set(['node_modules', 'dist', 'data', '.git', '.cache', '.ci']);

function filesIn(folder: string, pattern: RegExp): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(path, pattern);
    return pattern.test(entry.name) ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

/** `span`, `receivers/kafka`, or `door` for main.ts and cli.ts. */
function roomOf(path: string): string {
  const [, first = '', second = '', third] = path.split('/');
  if (second === '') return 'door';
  return COMPONENT_ROOMS.has(first) && third !== undefined ? `${first}/${second}` : first;
}

function floorOf(path: string): number | undefined {
  return FLOORS[roomOf(path).split('/')[0] as string];
}

function importsOf(path: string): string[] {
  const found = withoutComments(read(path)).matchAll(/(?:from|import\()\s*'(\.[^']+)'|^import '(\.[^']+)'/gm);
  return [...found].map(([, a, b]) => relative(ROOT, join(ROOT, dirname(path), a ?? b ?? '')));
}

const SOURCES = filesIn('src', /\.ts$/);
const CODE = ['src', 'test', 'bench', 'demo', 'scripts', 'grafana'].flatMap((folder) =>
  filesIn(folder, /\.(ts|mts|mjs)$/),
);
const IMPORTS = new Map(SOURCES.map((path) => [path, importsOf(path)]));

test('there is a house to look at, on every floor', () => {
  expect(SOURCES.length).toBeGreaterThan(120);
  expect(CODE.length).toBeGreaterThan(200);
  expect([...IMPORTS.values()].flat().length).toBeGreaterThan(400);
  const seen = new Set(SOURCES.map((path) => roomOf(path).split('/')[0]));
  expect([...seen].sort()).toEqual(Object.keys(FLOORS).sort());
});

describe('floors', () => {
  test('every file is in a room that has a floor', () => {
    expect(SOURCES.filter((path) => floorOf(path) === undefined)).toEqual([]);
  });

  test('a file imports its own room and lower floors only', () => {
    const upward = [...IMPORTS].flatMap(([path, targets]) =>
      targets
        .filter((target) => roomOf(target) !== roomOf(path))
        .filter((target) => !((floorOf(target) ?? 99) < (floorOf(path) as number)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  test('no file imports itself in a circle', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      if (trail.includes(path) || done.has(path)) return;
      for (const target of IMPORTS.get(path) ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const path of SOURCES) visit(path, []);
    expect(circles).toEqual([]);
  });
});

describe('text', () => {
  test('no source file is longer than 300 lines, no test longer than 500', () => {
    const long = CODE.filter((path) => {
      const lines = read(path).split('\n').length - 1;
      return lines > (path.startsWith('src/') ? 300 : 500);
    });
    expect(long).toEqual([]);
  });

  test('below the plan nobody reads the clock, throws dice, prints, or looks at the environment', () => {
    const banned = /\b(Date\.now|Math\.random|console\.|performance\.now|process\.env)|new Date\(\)/;
    const guilty = SOURCES.filter((path) => (floorOf(path) as number) < 5 && path !== 'src/base/clock.ts')
      .filter((path) => banned.test(withoutComments(read(path))))
      .map((path) => `${path}: ${banned.exec(withoutComments(read(path)))?.[0]}`);
    expect(guilty).toEqual([]);
  });

  test('there are no barrels and no folder for leftovers', () => {
    expect(SOURCES.filter((path) => /\/(index|utils?|helpers?|common|misc)(\.ts|\/)/.test(path))).toEqual([]);
    const reexport = /^export (\*|\{[^}]*\}) from/m;
    expect(SOURCES.filter((path) => reexport.test(read(path)))).toEqual([]);
  });

  test('nothing is left to do in a comment, and no test is skipped', () => {
    const others = [...filesIn('sql', /\.sql$/), ...filesIn('pipelines', /\.yaml$/)];
    const left = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].map((word) => `\\b${word}\\b`).join('|'));
    expect([...CODE, ...others].filter((path) => left.test(read(path)))).toEqual([]);
    const skipped = /\b(test|it|describe)\.(skip|only|todo)\(/;
    expect(CODE.filter((path) => skipped.test(read(path)))).toEqual([]);
  });

  test('a Markdown file has one title', () => {
    const pages = filesIn('', /\.md$/);
    expect(pages.length).toBeGreaterThan(3);
    const titles = (path: string): number =>
      (
        read(path)
          .replaceAll(/^```[\s\S]*?^```/gm, '')
          .match(/^# /gm) ?? []
      ).length;
    expect(pages.filter((path) => titles(path) !== 1)).toEqual([]);
  });

  test('the files of the schema are numbered without a gap', () => {
    const names = filesIn('sql', /\.sql$/)
      .map((path) => path.slice('sql/'.length))
      .filter((name) => !name.startsWith('queries/'))
      .sort();
    expect(names.length).toBeGreaterThan(2);
    names.forEach((name, index) => {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(3, '0')}_[a-z0-9_]+\\.sql$`));
    });
  });
});

describe('declarations', () => {
  test('every metric that is used is declared, and every declared one is used', () => {
    const used = SOURCES.filter((path) => path !== 'src/telemetry/metrics.ts').flatMap((path) =>
      [...read(path).matchAll(/['"`](spanweir_[a-z0-9_]+)['"`]/g)].map(([, name]) => name as string),
    );
    expect([...new Set(used)].sort()).toEqual(Object.keys(METRICS).sort());
  });

  test('the names of metrics follow their kind and unit', () => {
    for (const [name, { kind, unit, help }] of Object.entries(METRICS)) {
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(help, name).toMatch(/\.$/);
      if (unit === 'seconds' || unit === 'bytes') expect(name, name).toContain(unit);
      expect(unit, name).not.toMatch(/^(ms|milliseconds|kib|mib)$/i);
    }
  });

  test('the generated pages are in step with the code (npm run docs writes them)', () => {
    for (const [path, text] of Object.entries(generatedDocs(COMPONENTS))) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(read(path) === text, `${path} is not what the code says`).toBe(true);
    }
  });

  test('every dependency has a line that says why', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const names = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    const page = read('docs/dependencies.md');
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
    const listed = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string);
    expect(listed.filter((name) => !names.includes(name))).toEqual([]);
  });
});
