import { expect, test } from 'vitest';
import { type Command, type StandaloneCommand, UsageError } from '../src/app/commands/command.ts';
import { systemClock } from '../src/base/clock.ts';
import { SpanweirError } from '../src/base/errors.ts';
import { type CliDeps, runCli } from '../src/cli.ts';
import { TABLE } from './config/table.ts';

const GOOD = `receivers: {kafka: {group_instance_id: i}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [kafka], exporters: [nop]}}}
`;

const quiet = (): void => undefined;
const silentLog = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** A command that tells what it was given. */
const MOVE: Command = {
  name: 'move',
  summary: 'move something',
  help: 'spanweir move - moves\n',
  options: { 'dry-run': { type: 'boolean' }, to: { type: 'string', multiple: true } },
  takesWords: true,
  run: async ({ values, positionals }, config, { print }) => {
    if (positionals[0] === 'nothing') throw new UsageError('nothing to move');
    print(JSON.stringify([values['dry-run'], values['to'], positionals, Object.keys(config.exporters)]));
    return 5;
  },
};

/** One that needs no configuration. */
const DREAM: StandaloneCommand = {
  name: 'dream',
  summary: 'dream of something',
  help: 'spanweir dream - dreams\n',
  needsConfig: false,
  options: { of: { type: 'string' } },
  run: async ({ values }, { print }) => {
    print(`of ${String(values['of'])}`);
    return 4;
  },
};

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly written: Readonly<Record<string, string>>;
}

async function spanweir(line: string, given: Partial<CliDeps> = {}): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const written: Record<string, string> = {};
  const files: Record<string, string> = { 'good.yaml': GOOD, 'bad.yaml': GOOD.replace('nop:', 'nopp:') };
  const code = await runCli(line === '' ? [] : line.split(' '), new AbortController().signal, {
    table: TABLE,
    variables: {},
    run: async () => 0,
    commands: [MOVE, DREAM],
    progress: () => undefined,
    clock: systemClock,
    logFor: () => silentLog,
    print: (text) => out.push(text),
    complain: (text) => err.push(text),
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
    writeFile: (path, text) => {
      written[path] = text;
    },
    ...given,
  });
  return { code, out: out.join('\n'), err: err.join('\n'), written };
}

test('--version and --help answer without a configuration', async () => {
  expect((await spanweir('--version')).out).toMatch(/^spanweir \d+\.\d+\.\d+$/);
  const help = await spanweir('validate --help');
  expect(help.code).toBe(0);
  expect(help.out).toContain('Usage: spanweir');
});

test('without a command the engine runs, with the exit code that it gives', async () => {
  const outcome = await spanweir('--config good.yaml', { run: async () => 7 });
  expect(outcome).toMatchObject({ code: 7, err: '' });
});

test('validate says that all is right, and what is taken otherwise', async () => {
  expect(await spanweir('validate --config=good.yaml')).toMatchObject({
    code: 0,
    out: 'The configuration is right.',
    err: 'warning: good.yaml:1:21: receivers.kafka.group_instance_id: a dynamic member is used',
  });
});

test('a wrong configuration ends with 3 and every problem, whatever the command', async () => {
  for (const command of ['validate', 'run', 'move']) {
    const { code, err } = await spanweir(
      `${command} --config bad.yaml --set receivers.kafka.max_fetch_size=0`,
    );
    expect(code).toBe(3);
    expect(err.split('\n')).toEqual([
      '--set receivers.kafka.max_fetch_size: receivers.kafka.max_fetch_size: found 0, expected at least 1',
      'bad.yaml:2:13: exporters.nopp: found the unknown type "nopp", expected one of clickhouse, nop, prometheus ' +
        '(did you mean "nop"?)',
      'bad.yaml:3:64: service.pipelines.traces.exporters[0]: found "nop", expected one that is defined under ' +
        'exporters or connectors (did you mean "nopp"?)',
    ]);
  }
});

test('a wrong command line ends with 2', async () => {
  expect((await spanweir('')).code).toBe(2);
  expect((await spanweir('validat --config good.yaml')).err).toContain('did you mean "validate"?');
  expect((await spanweir('--confg good.yaml')).code).toBe(2);
  expect((await spanweir('good.yaml')).code).toBe(2);
  expect((await spanweir('run good.yaml')).code).toBe(2);
  expect((await spanweir('config')).code).toBe(2);
  expect((await spanweir('--dry-run --config good.yaml')).code).toBe(2);
});

test('what fails while it starts ends with 1, a late finding about the configuration with 3', async () => {
  const failing = (code: 'START' | 'CONFIG') => ({
    run: () => Promise.reject(new SpanweirError(code, 'port 4317 is taken')),
  });
  expect(await spanweir('--config good.yaml', failing('START'))).toMatchObject({
    code: 1,
    err: 'spanweir: port 4317 is taken',
  });
  expect((await spanweir('--config good.yaml', failing('CONFIG'))).code).toBe(3);
});

test('a command of the table gets its options, its words and the configuration, and gives the exit code', async () => {
  expect(await spanweir('move --config good.yaml a --to x --dry-run b --to=y')).toMatchObject({
    code: 5,
    out: '[true,["x","y"],["a","b"],["nop"]]',
  });
  // Options may stand before the command.
  expect((await spanweir('--to x --config good.yaml move')).out).toBe('[null,["x"],[],["nop"]]');
  expect(await spanweir('move nothing --config good.yaml')).toMatchObject({
    code: 2,
    err: 'warning: good.yaml:1:21: receivers.kafka.group_instance_id: a dynamic member is used\nspanweir: nothing to move\nTry: spanweir --help',
  });
});

test('a command of the table has help of its own and a line in the common one', async () => {
  expect((await spanweir('move --help')).out).toBe('spanweir move - moves');
  expect((await spanweir('help move')).out).toBe('spanweir move - moves');
  expect((await spanweir('--help')).out).toContain('\n  move               move something\n');
});

test('an option of a command is refused with another one', async () => {
  expect((await spanweir('run --config good.yaml --dry-run')).err).toContain('--dry-run belongs to move');
  expect(await spanweir('move --frm x --config good.yaml')).toMatchObject({ code: 2 });
});

test('components are listed by section, old names too', async () => {
  const { out } = await spanweir('components');
  expect(out).toContain('connectors:\n  span_metrics: "RED."\n  spanmetrics: "Old name of span_metrics."\n');
});

test('the reference tells name, type, default, meaning and what happens instead', async () => {
  const { out } = await spanweir('config reference');
  expect(out).toContain('### kafka\n\nFrom Kafka.');
  expect(out).toContain('| `session_timeout` | duration | `10s` | silence after which a member is out |');
  expect(out).toContain(
    '| `group_instance_id` | text |  | static member. *Instead:* a dynamic member is used |',
  );
  expect(out).toContain('| `traces.topics` | list of text | `[otlp_spans]` | topics |');
  expect(out).toContain('| `traces.encoding` | otlp_proto, otlp_json | `otlp_proto` | of a message |');
  expect(out).toContain('| `spanweir.block.max_bytes` | bytes | `32MiB` |');
  expect(out).toContain('| `pipelines.<name>.receivers` | list of text | `[]` |');
});

test('docs writes the pages that are made from the code', async () => {
  const { written } = await spanweir('docs');
  expect(Object.keys(written)).toEqual(['docs/config.md', 'docs/config.schema.json', 'docs/metrics.md']);
  const schema = JSON.parse(written['docs/config.schema.json'] as string);
  expect(
    schema.properties.receivers.patternProperties['^(kafka)(/.+)?$'].anyOf[0].properties.group_instance_id,
  ).toEqual({
    type: 'string',
    description: 'static member (instead: a dynamic member is used)',
  });
});

test('a command that needs no configuration runs without, and takes none', async () => {
  expect(await spanweir('dream --of=sheep')).toMatchObject({ code: 4, out: 'of sheep' });
  const outcome = await spanweir('dream --config good.yaml');
  expect(outcome).toMatchObject({ code: 2, out: '' });
  expect(outcome.err).toContain('dream takes no --config');
});
