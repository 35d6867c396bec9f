import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kafka, startKafka } from '../../../scripts/parts/kafka.mjs';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { makeTempDir } from '../../support/temp-dir.ts';
import { createTopic, kafkaClient, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { startLane, World } from './harness.ts';

const USER = 'spanweir';
const SECRET = 'for this test only';

/** A CA, a broker and a client signed by it, and the PEM files that Kafka wants. */
function makeCertificates(dir: string): void {
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-batch'];
  openssl(...request, '-x509', '-days', '1', '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem');
  writeFileSync(join(dir, 'san.txt'), 'subjectAltName=IP:127.0.0.1');
  for (const name of ['broker', 'client']) {
    openssl(...request, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signed = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '1',
      '-extfile',
      'san.txt',
    ];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
  const of = (name: string): string => readFileSync(join(dir, name), 'utf8');
  writeFileSync(join(dir, 'broker-store.pem'), of('broker.key') + of('broker.pem'));
}

/** A broker that speaks plain text on one port, and TLS with client certificates and a login on another. */
async function startSecureKafka(dir: string): Promise<{ kafka: Kafka; secure: string }> {
  const [port, securePort, controllerPort] = [await freePort(), await freePort(), await freePort()];
  const listeners = `PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${securePort}`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${SECRET}";`;
  const kafka = await startKafka({
    dir: join(dir, 'kafka'),
    port,
    controllerPort,
    heapMb: 256,
    formatWith: ['--add-scram', `SCRAM-SHA-512=[name=${USER},password="${SECRET}"]`],
    settings: {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': plain,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(dir, 'broker-store.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': join(dir, 'ca.pem'),
      'listener.name.sasl_ssl.ssl.client.auth': 'required',
    },
  });
  return { kafka, secure: `127.0.0.1:${securePort}` };
}

describe('a broker that wants TLS, a client certificate and a login', () => {
  const dir = makeTempDir();
  let kafka: Kafka | undefined;
  let secure = '';
  let topic = '';

  beforeAll(async () => {
    makeCertificates(dir);
    ({ kafka, secure } = await startSecureKafka(dir));
    topic = await createTopic('secure', {}, kafka.brokers);
    const producer = kafkaClient(kafka.brokers).producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'one' }, { value: 'two' }] });
    await producer.disconnect();
  }, 120_000);

  afterAll(async () => {
    await kafka?.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  function options(mechanism: string, password = SECRET): object {
    const file = (name: string): string => join(dir, name);
    return {
      brokers: [secure],
      group_id: uniqueName('group'),
      initial_offset: 'earliest',
      traces: { topics: [topic] },
      session_timeout: '6s',
      tls: { ca_file: file('ca.pem'), cert_file: file('client.pem'), key_file: file('client.key') },
      auth: { sasl: { mechanism, username: USER, password } },
    };
  }

  it.each(['PLAIN', 'SCRAM-SHA-512'])('is read with %s', async (mechanism) => {
    const world = new World();
    const lane = await startLane(options(mechanism), { world });
    await waitFor('2 records', () => world.count === 2);
    expect(lane.health.at(-1)?.status).toBe('ok');
    await lane.stop();
  });

  it('and refuses a password is named with what to check', async () => {
    const lane = await startLane(options('SCRAM-SHA-512', 'wrong'), { world: new World() });
    await waitFor('health says so', () => lane.health.at(-1)?.reason?.includes('check auth.sasl'), {
      deadlineMs: 60_000,
    });
    expect(lane.health.at(-1)?.status).toBe('recoverable');
    await lane.stop(1000);
  });
});
