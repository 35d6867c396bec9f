import { expect, test } from 'vitest';
import { createTerminal } from '../../../src/app/commands/terminal.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };
  const out = { write: (text: string) => written.push(`out ${text}`) };
  const err = { isTTY, columns: 10, write: (text: string) => written.push(`err ${text}`) };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { ...createTerminal(out, err, clock), written, pass };
}

const CLEAR = '\r\u001b[2K';

test('on a terminal the line of progress is rewritten, and gives way to other lines', () => {
  const { print, progress, written, pass } = terminal(true);
  progress('one of two of three');
  progress('too soon');
  pass(100);
  progress('two');
  print('found');
  progress(undefined);
  progress(undefined);
  print('done');
  expect(written).toEqual([
    `err ${CLEAR}one of tw`,
    `err ${CLEAR}two`,
    `err ${CLEAR}`,
    'out found\n',
    'err two',
    `err ${CLEAR}`,
    'out done\n',
  ]);
});

test('elsewhere progress is a line on stderr every ten seconds', () => {
  const { complain, progress, written, pass } = terminal(false);
  progress('one');
  pass(9_999);
  progress('two');
  pass(1);
  progress('three');
  progress(undefined);
  complain('oh');
  expect(written).toEqual(['err one\n', 'err three\n', 'err oh\n']);
});
