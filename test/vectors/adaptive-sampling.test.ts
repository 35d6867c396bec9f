import { describe, expect, test } from 'vitest';
import { algorithmSections } from './adaptive-sampling/algorithm.ts';
import { countingSections } from './adaptive-sampling/counting.ts';
import { fileSections } from './adaptive-sampling/files.ts';
import { replySections } from './adaptive-sampling/replies.ts';
import type { Runner } from './adaptive-sampling/section.ts';
import { settingsSections } from './adaptive-sampling/settings.ts';
import { readVectors } from './read-vectors.ts';

const vectors = readVectors('adaptive-sampling.json');

const RUNNERS: Readonly<Record<string, Runner>> = {
  ...settingsSections,
  ...algorithmSections(vectors),
  ...countingSections,
  ...replySections,
  ...fileSections,
};

/** Sections about what Spanweir does not have, and why it has not. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  _meta: 'says where the cases come from',
  leader_election_acquire: 'there is no lease: the controller is the process, later the owner of a partition',
  storage_cassandra: 'throughput and decisions rest in ClickHouse or in memory',
  storage_cassandra_lock: 'as above',
  storage_badger: 'as above',
  storage_elasticsearch: 'as above',
  thrift_conversion: 'Thrift is not spoken',
};

/** Sections that other collections of cases have. */
const ELSEWHERE = ['calculate_probabilities_multi_round'];

describe('vectors of adaptive sampling', () => {
  for (const [name, section] of Object.entries(vectors)) {
    if (name in OUT_OF_SCOPE) continue;
    const run = RUNNERS[name];
    if (run === undefined) {
      test(`section ${name}`, () => {
        throw new Error(`nothing runs the section ${name}: write a runner, or say why it is out of scope`);
      });
      continue;
    }
    describe(name, () => run(section));
  }

  test('are all there: a section that is gone is noticed', () => {
    const run = Object.keys(vectors).filter((name) => name in RUNNERS);
    expect(run).not.toEqual([]);
    // A folder of one's own may hold some sections only, or more.
    if (process.env.VECTORS_DIR !== undefined) return;
    const missing = Object.keys(RUNNERS).filter((name) => !(name in vectors) && !ELSEWHERE.includes(name));
    expect(missing).toEqual([]);
  });
});
