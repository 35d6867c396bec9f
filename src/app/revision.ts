import { createHash } from 'node:crypto';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { BLOCK_REVISION } from '../flow/block.ts';
import { planReceivers } from './plan.ts';

/**
 * By what rules this configuration turns records into rows: 32 bits over BLOCK_REVISION, the connectors, the
 * processors, what is fed to whom, the bounds of timestamps, and how spans are weighed. Two processes with the same configuration and
 * code have the same, in whatever order the file says things.
 */
export function revisionOf(config: LoadedConfig): number {
  const { connectors, processors, service } = config;
  const rules = {
    block: BLOCK_REVISION,
    connectors,
    processors,
    fed: planReceivers(config),
    timestamps: service.spanweir.timestamps,
    weights: service.spanweir.weights,
  };
  return createHash('sha256').update(canonical(rules)).digest().readUInt32BE(0);
}

/** JSON with its keys in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
