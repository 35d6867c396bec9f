import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLog, type LogSettings, type RootLog } from '../../src/telemetry/logger.ts';

function linesOf(settings: LogSettings, speak: (log: RootLog) => void): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'spanweir-log-'));
  try {
    const fd = openSync(join(folder, 'log'), 'w');
    speak(createLog(settings, fd));
    closeSync(fd);
    return readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a line is one JSON object that says who speaks, written at once', () => {
  const [line = ''] = linesOf({ level: 'info', encoding: 'json' }, (log) =>
    log.child({ component: 'exporter:debug', lane: 1 }).info({ spans: 3 }, 'Traces'),
  );
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(rest).toEqual({ level: 'info', component: 'exporter:debug', lane: 1, spans: 3, message: 'Traces' });
});

test('less severe lines than the level are left out', () => {
  const lines = linesOf({ level: 'warn', encoding: 'json' }, (log) => {
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
  });
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(['c', 'd']);
});

test('secrets are not written, however deep they are', () => {
  const [line = ''] = linesOf({ level: 'info', encoding: 'json' }, (log) =>
    log.info({ password: 'p1', config: { auth: { password: 'p2' }, token: 'p3' } }, 'started'),
  );
  expect(line).not.toMatch(/p[123]/);
  expect(line).toContain('[redacted]');
});

test('an error is written with its message and stack', () => {
  const [line = ''] = linesOf({ level: 'info', encoding: 'json' }, (log) =>
    log.error({ error: new Error('broken') }, 'oh'),
  );
  expect(JSON.parse(line)).toMatchObject({ error: { type: 'Error', message: 'broken' } });
});

test('the console form is text for people', () => {
  const [line = ''] = linesOf({ level: 'info', encoding: 'console' }, (log) =>
    log.child({ component: 'receiver:otlp' }).warn({ port: 4317 }, 'taken'),
  );
  expect(line).toMatch(/^\S+Z warn {2}receiver:otlp: taken \{"port":4317\}$/);
});
