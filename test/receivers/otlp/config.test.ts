import { describe, expect, it } from 'vitest';
import { otlpConfig } from '../../../src/receivers/otlp/config.ts';

describe('the configuration of the OTLP receiver', () => {
  it('has the defaults of the collector for protocols that are named without options', () => {
    const { protocols } = otlpConfig.parse({ protocols: { grpc: null, http: null } });
    expect(protocols.grpc).toMatchObject({
      endpoint: { host: 'localhost', port: 4317 },
      max_recv_msg_size_mib: 4,
    });
    expect(protocols.http).toMatchObject({
      endpoint: { host: 'localhost', port: 4318 },
      traces_url_path: '/v1/traces',
      max_request_body_size: 20_971_520,
    });
  });

  it('does not serve a protocol that is not named', () => {
    expect(otlpConfig.parse({ protocols: { http: {} } }).protocols.grpc).toBeUndefined();
  });

  it('wants at least one protocol, and no unknown option', () => {
    expect(otlpConfig.safeParse({ protocols: {} }).success).toBe(false);
    expect(otlpConfig.safeParse({ protocols: { grpc: { endpont: 'localhost:1' } } }).success).toBe(false);
  });
});
