/** SDK families by how their ratio sampler turns a trace id into a number. */
export type VariateKind =
  | 'go_rust'
  | 'java'
  | 'python'
  | 'js'
  | 'dotnet'
  | 'jaeger_client_go'
  | 'otel_consistent';

const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;

/**
 * u in [0, 1] of the trace id in `bytes[at, at + 16)`: an SDK of this kind that samples with probability p keeps
 * exactly the traces with u < p (up to the rounding of its own bound).
 */
export function traceIdVariate(kind: VariateKind, bytes: Uint8Array, at: number): number {
  const highHi = bigEndian(bytes, at);
  const highLo = bigEndian(bytes, at + 4);
  const lowHi = bigEndian(bytes, at + 8);
  const lowLo = bigEndian(bytes, at + 12);
  switch (kind) {
    case 'go_rust':
      return joined(lowHi >>> 1, ((lowHi << 31) | (lowLo >>> 1)) >>> 0) / TWO_63;
    case 'java': {
      if (lowHi < 2 ** 31) return joined(lowHi, lowLo) / TWO_63;
      const carry = lowLo === 0 ? 1 : 0;
      return joined((~lowHi + carry) >>> 0, -lowLo >>> 0) / TWO_63;
    }
    case 'python':
      return joined(lowHi, lowLo) / 2 ** 64;
    case 'js':
      return ((highHi ^ highLo ^ lowHi ^ lowLo) >>> 0) / 0xffffffff;
    case 'dotnet':
      return joined(highHi & 0x7fffffff, highLo) / TWO_63;
    case 'jaeger_client_go':
      return joined(lowHi & 0x7fffffff, lowLo) / TWO_63;
    case 'otel_consistent':
      return 1 - joined(lowHi & 0xffffff, lowLo) / 2 ** 56;
  }
}

function joined(hi: number, lo: number): number {
  return hi * TWO_32 + lo;
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
