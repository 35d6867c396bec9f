import { SpanweirError, toError } from '../base/errors.ts';

/** The parts of a kafkajs error that tell what happened. */
export interface KafkaFailure {
  readonly name: string;
  readonly message: string;
  /** Kafka's name of a protocol error, such as ILLEGAL_GENERATION. */
  readonly type: string | undefined;
}

/** The innermost protocol or connection error: kafkajs wraps them in "retries exceeded" and the like. */
export function failureOf(thrown: unknown): KafkaFailure {
  let error = toError(thrown) as Error & { type?: unknown };
  while (typeof error.type !== 'string' && error.cause instanceof Error) error = error.cause;
  const type = typeof error.type === 'string' ? error.type : undefined;
  return { name: error.name, message: error.message, type };
}

/** The broker does not take this member's word for its partitions any more. */
export function isFenced(thrown: unknown): boolean {
  return FENCED.has(failureOf(thrown).type ?? '');
}

const FENCED: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
]);

export function isRebalance(thrown: unknown): boolean {
  return isFenced(thrown);
}

const CREDENTIALS = 'the broker refused the credentials: check auth.sasl';

/** Text for what an operator can do something about, by Kafka's name of the error. */
const ADVICE: Readonly<Record<string, string>> = {
  INCONSISTENT_GROUP_PROTOCOL:
    'the group has live members of another client, whose assignment strategy is not round-robin: ' +
    'stop them first (a group can be shared by instances of Spanweir only), or choose another group_id',
  SASL_AUTHENTICATION_FAILED: CREDENTIALS,
  // kafkajs' own name: it does not pass on the protocol's.
  KafkaJSSASLAuthenticationError: CREDENTIALS,
  GROUP_AUTHORIZATION_FAILED: 'this user may not use the group: check the ACLs of group_id',
  TOPIC_AUTHORIZATION_FAILED: 'this user may not use the topic: check its ACLs',
  CLUSTER_AUTHORIZATION_FAILED:
    'this user may not do that on the cluster (an idempotent producer needs IDEMPOTENT_WRITE)',
  INVALID_SESSION_TIMEOUT:
    'session_timeout is outside of what the broker allows (group.min.session.timeout.ms, group.max.session.timeout.ms)',
  OFFSET_METADATA_TOO_LARGE:
    'the broker takes less metadata with a commit than the plan of the next blocks needs: raise ' +
    'offset.metadata.max.bytes to its default of 4096, or set effect_once: false on the clickhouse exporter',
  UNKNOWN_TOPIC_OR_PARTITION: 'the topic does not exist',
  MESSAGE_TOO_LARGE: 'the broker takes no message of that size (max.message.bytes of the topic)',
};

/** Any failure of kafkajs as our error; what may pass by itself is retryable. */
export function kafkaError(thrown: unknown, doing: string): SpanweirError {
  if (thrown instanceof SpanweirError) return thrown;
  const failure = failureOf(thrown);
  const name = failure.type ?? failure.name;
  const advice = ADVICE[name];
  const text = advice === undefined ? failure.message : `${advice} (${name})`;
  const cause = toError(thrown);
  if (isFenced(thrown)) return new SpanweirError('FENCED', `${doing}: ${text}`, { cause });
  if (failure.type === 'MESSAGE_TOO_LARGE')
    return new SpanweirError('REFUSED', `${doing}: ${text}`, { cause });
  return new SpanweirError('UNAVAILABLE', `${doing}: ${text}`, { cause, retry: 'backoff' });
}
