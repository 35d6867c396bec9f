import { describe, expect, test } from 'vitest';
import { kafkaJs } from '../../src/kafka/kafkajs.ts';
import { keepingAssigner } from '../../src/kafka/keeping-assigner.ts';

const { AssignerProtocol } = kafkaJs();

type Assigner = ReturnType<ReturnType<typeof keepingAssigner>>;

function assigner(hadInGeneration = -1): Assigner {
  const cluster = { findTopicPartitionMetadata: () => [{ partitionId: 0 }] };
  return keepingAssigner(() => hadInGeneration)({ cluster } as unknown as Parameters<
    ReturnType<typeof keepingAssigner>
  >[0]);
}

/** Member -> partitions of the topic `t`, when the members say that they had it in these generations. */
async function shares(claims: Readonly<Record<string, number>>): Promise<Record<string, number[]>> {
  const members = Object.entries(claims).map(([memberId, generation]) => ({
    memberId,
    memberMetadata: assigner(generation).protocol({ topics: ['t'] }).metadata,
  }));
  const assignments = await assigner().assign({ members, topics: ['t'] });
  return Object.fromEntries(
    assignments.map(({ memberId, memberAssignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment['t'] ?? [],
    ]),
  );
}

describe('the partition', () => {
  test('goes to one member when nobody had it, and to the same whoever works it out', async () => {
    expect(await shares({ b: -1, a: -1, c: -1 })).toEqual({ a: [0], b: [], c: [] });
    expect(await shares({ c: -1, b: -1, a: -1 })).toEqual({ a: [0], b: [], c: [] });
  });

  test('stays with the one that has it when others come', async () => {
    expect(await shares({ a: -1, b: -1, c: 4 })).toEqual({ a: [], b: [], c: [0] });
  });

  test('stays with the one that had it last when an earlier owner comes back', async () => {
    expect(await shares({ a: 4, b: 7, c: -1 })).toEqual({ a: [], b: [0], c: [] });
  });

  test('goes to somebody when a member tells nothing that can be read', async () => {
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: 0,
      topics: ['t'],
      userData: Buffer.alloc(0),
    });
    const assigned = await assigner().assign({
      members: [{ memberId: 'a', memberMetadata: metadata }],
      topics: ['t'],
    });
    const [only] = assigned;
    expect(AssignerProtocol.MemberAssignment.decode(only?.memberAssignment as Buffer)?.assignment).toEqual({
      t: [0],
    });
  });
});
