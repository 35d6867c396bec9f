import type { EngineSettings } from '../config/loaded-config.ts';
import type { Scan } from '../flow/intake-shared.ts';
import type { Dictionary } from '../span/dictionary.ts';
import { transcodeJson } from '../span/otlp-json.ts';
import { OtlpScanner } from '../span/otlp-scanner.ts';
import { DEFAULT_SCAN_LIMITS } from '../span/scan-limits.ts';

/** Every encoding becomes OTLP protobuf at the edge; one scanner reads them all. */
export function createScan(
  dictionary: Dictionary,
  { timestamps, weights }: Pick<EngineSettings, 'timestamps' | 'weights'>,
): Scan {
  const scanner = new OtlpScanner(dictionary, {
    ...DEFAULT_SCAN_LIMITS,
    pastMs: timestamps.maxPastMs,
    futureMs: timestamps.maxFutureMs,
    weightMax: weights.weightMax,
  });
  return (batch, payload, encoding, record) =>
    scanner.append(batch, encoding === 'otlp_json' ? transcodeJson(payload) : payload, record);
}
