import type { PartitionAssigner } from 'kafkajs';
import { kafkaJs } from './kafkajs.ts';

/**
 * Gives all partitions to one member, and leaves them there while it lives: who had them in the newest generation that
 * anyone remembers keeps them, whoever joins or leaves. `hadInGeneration` is asked before every join; -1 = never.
 */
export function keepingAssigner(hadInGeneration: () => number): PartitionAssigner {
  return ({ cluster }) => ({
    name: 'spanweir-keeping',
    version: 0,
    protocol({ topics }) {
      const userData = Buffer.alloc(4);
      userData.writeInt32BE(hadInGeneration());
      const metadata = kafkaJs().AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData });
      return { name: 'spanweir-keeping', metadata };
    },
    async assign({ members, topics }) {
      const assignment: Record<string, number[]> = {};
      for (const topic of topics) {
        assignment[topic] = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      }
      const keeper = keeperOf(members);
      return members.map(({ memberId }) => ({
        memberId,
        memberAssignment: kafkaJs().AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment: memberId === keeper ? assignment : {},
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

interface Member {
  readonly memberId: string;
  readonly memberMetadata: Buffer;
}

/** The first of those that had them last. */
function keeperOf(members: readonly Member[]): string | undefined {
  const [first] = members
    .map(({ memberId, memberMetadata }) => ({ memberId, generation: claimOf(memberMetadata) }))
    .sort((a, b) => b.generation - a.generation || (a.memberId < b.memberId ? -1 : 1));
  return first?.memberId;
}

function claimOf(metadata: Buffer): number {
  const userData = kafkaJs().AssignerProtocol.MemberMetadata.decode(metadata)?.userData;
  return userData !== undefined && userData.length >= 4 ? userData.readInt32BE(0) : -1;
}
