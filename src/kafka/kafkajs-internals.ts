/** The internals of kafkajs 2.2.4 that are used, with the types that they have there. */
export interface ConsumerGroup {
  readonly groupId: string;
  readonly cluster: Cluster;
  readonly assigners: readonly object[];
  readonly generationId: number | null;
  /** Null before the first join and after the coordinator has forgotten this member. */
  readonly memberId: string | null;
  coordinator: Coordinator;
  readonly offsetManager: OffsetManager | null;
  readonly preferredReadReplicasPerTopicPartition: Record<string, Record<number, unknown>>;
  assigned(): readonly AssignedTopic[];
}

export interface AssignedTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface OffsetManager {
  coordinator: Coordinator;
  getCoordinator(): Promise<Coordinator>;
  committedOffsets(): Record<string, Record<number, string>>;
  resolveOffset(position: { topic: string; partition: number; offset: string }): void;
}

export interface Coordinator {
  heartbeat(request: { groupId: string; memberId: string; groupGenerationId: number }): Promise<unknown>;
  offsetCommit(request: OffsetCommitRequest): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<{ responses: OffsetFetchTopic[] }>;
}

export interface OffsetCommitRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupGenerationId: number;
  readonly topics: readonly {
    topic: string;
    partitions: readonly { partition: number; offset: string; metadata: string | null }[];
  }[];
}

export interface OffsetFetchTopic {
  readonly topic: string;
  readonly partitions: readonly { partition: number; offset: string; metadata: string | null }[];
}

export interface Cluster {
  refreshMetadata(): Promise<void>;
  findGroupCoordinator(query: { groupId: string }): Promise<Coordinator>;
  fetchTopicsOffset(
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number }[];
      fromBeginning: boolean;
    }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
}
