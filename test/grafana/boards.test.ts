import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { boardFiles } from '../../grafana/source/boards.ts';
import { BOARD_FOLDER, committedBoards, queriesOf } from '../support/boards.ts';
import { expandPromql } from '../support/grafana-macros.ts';
import { isShown, mistakes, selected } from './queries.ts';

const BOARDS = committedBoards();

test('what is committed is what the code says (npm run grafana writes it)', () => {
  const files = boardFiles();
  expect(readdirSync(BOARD_FOLDER).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) {
    expect(readFileSync(join(BOARD_FOLDER, name), 'utf8') === text, `${name} is not what the code says`).toBe(
      true,
    );
  }
});

test('the parser finds a mistake where there is one', () => {
  expect(mistakes('sum by (a) (rate(b[5m]))')).toEqual([]);
  expect(mistakes('sum by (a) (rate(b[5m])').length).toBeGreaterThan(0);
  expect(selected('a{b="c"} / on (d) e')).toEqual(['a', 'e']);
});

describe.each(BOARDS.map((board) => [board.uid, board] as const))('%s', (_, board) => {
  const panels = board.panels.filter(({ type }) => type !== 'row');
  const variables = board.templating.list;
  const moment = { fromMs: 0, toMs: 3_600_000, variables };

  test('its PromQL parses', () => {
    for (const { target, name } of queriesOf(board)) {
      if (target.expr !== undefined) expect(mistakes(expandPromql(target.expr, moment)), name).toEqual([]);
    }
  });

  test('it asks for metrics that there are', () => {
    for (const { target, name } of queriesOf(board)) {
      const metrics = target.expr === undefined ? [] : selected(expandPromql(target.expr, moment));
      expect(
        metrics.filter((metric) => !isShown(metric)),
        name,
      ).toEqual([]);
    }
  });

  test('its panels have ids of their own, a title, a word of explanation, and queries', () => {
    expect(panels.length).toBeGreaterThan(3);
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, description, targets } of panels) {
      expect(title).not.toBe('');
      expect(description, title).toMatch(/\.$/);
      expect(targets?.length, title).toBeGreaterThan(0);
      expect(new Set(targets?.map(({ refId }) => refId)).size, title).toBe(targets?.length);
    }
  });

  test('its panels do not lie on each other', () => {
    const taken = new Map<string, string>();
    for (const { gridPos, title } of board.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), `${title} lies on`).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  test('it asks the data sources of its variables only', () => {
    const sources = variables.filter(({ type }) => type === 'datasource').map(({ name }) => `\${${name}}`);
    const asked = [...queriesOf(board).map(({ target }) => target), ...variables].flatMap(({ datasource }) =>
      datasource === undefined ? [] : [datasource.uid],
    );
    expect(new Set(asked)).toEqual(new Set(sources));
  });
});

test('uids are told apart', () => {
  expect(new Set(BOARDS.map(({ uid }) => uid)).size).toBe(6);
});
