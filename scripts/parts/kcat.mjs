// @ts-check
import { ensureProgram } from './apt.mjs';

/**
 * The path of kcat, a Kafka client on librdkafka.
 * @returns {Promise<string>}
 */
export async function ensureKcat() {
  return await ensureProgram({ what: 'kcat', programs: ['kcat', 'kafkacat'], package: 'kcat' });
}
