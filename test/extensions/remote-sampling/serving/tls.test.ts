import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { pollGrpc } from '../grpc-client.ts';
import { startExtension, stopExtensions } from '../running.ts';

const dir = mkdtempSync(join(tmpdir(), 'spanweir-tls-'));
const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
const request509 = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' ');
execFileSync('openssl', [...request509, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
const material = { ca: readFileSync(cert), key: readFileSync(key), cert: readFileSync(cert) };

afterEach(stopExtensions);
afterAll(() => rmSync(dir, { recursive: true }));

const secured = async (tls: object) => {
  const block = { endpoint: '127.0.0.1:0', tls: { cert_file: cert, key_file: key, ...tls } };
  const { http, grpcPort } = await startExtension({ file: {}, http: block, grpc: block }, systemClock);
  return { httpPort: http[0]?.port() ?? 0, grpcPort };
};

function poll(port: number, options: object): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request(
      { host: 'localhost', port, family: 4, agent: false, path: '/sampling?service=x', ...options },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode ?? 0);
      },
    );
    outgoing.on('error', () => resolve('refused'));
    outgoing.end();
  });
}

/** The version that a server settles on with a client that knows no newer one than `maxVersion`. */
function settled(port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> {
  return new Promise((resolve) => {
    const options = {
      host: 'localhost',
      port,
      ca: material.ca,
      maxVersion,
      ALPNProtocols: ['h2', 'http/1.1'],
    };
    const socket = connect({ ...options, family: 4 } as never, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });
}

test('over TLS 1.2 and later unless told otherwise', async () => {
  const { httpPort, grpcPort } = await secured({});
  for (const port of [httpPort, grpcPort]) {
    expect(await settled(port, 'TLSv1.2')).toBe('TLSv1.2');
    expect(await settled(port, 'TLSv1.3')).toBe('TLSv1.3');
  }
});

test('min_version and max_version bound it, over HTTP and gRPC', async () => {
  const newest = await secured({ min_version: '1.3' });
  for (const port of [newest.httpPort, newest.grpcPort]) expect(await settled(port, 'TLSv1.2')).toBeNull();
  const older = await secured({ max_version: '1.2' });
  for (const port of [older.httpPort, older.grpcPort]) expect(await settled(port, 'TLSv1.3')).toBe('TLSv1.2');
});

test('with a client_ca_file clients show a certificate, over HTTP and gRPC', async () => {
  const { httpPort, grpcPort } = await secured({ client_ca_file: cert });
  expect(await poll(httpPort, { ca: material.ca })).toBe('refused');
  expect(await poll(httpPort, material)).toBe(200);
  const anonymous = credentials.createSsl(material.ca);
  await expect(pollGrpc(grpcPort, 'x', {}, { channel: anonymous })).rejects.toMatchObject({ code: 14 });
  const known = credentials.createSsl(material.ca, material.key, material.cert);
  expect(await pollGrpc(grpcPort, 'x', {}, { channel: known })).toMatchObject({
    strategyType: 'PROBABILISTIC',
  });
});

test('certificates are read again where that is asked for, over HTTP and gRPC', async () => {
  const renewed = join(dir, 'renewed');
  mkdirSync(renewed);
  const files = { cert_file: join(renewed, 'cert.pem'), key_file: join(renewed, 'key.pem') };
  const make = (name: string): void => {
    const subjectOf = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
    const out = ['-keyout', files.key_file, '-out', files.cert_file];
    execFileSync('openssl', [...request509, ...subjectOf, ...out], { stdio: 'ignore' });
  };
  make('first');
  const { httpPort, grpcPort } = await secured({ ...files, reload_interval: '20ms' });
  for (const port of [httpPort, grpcPort]) expect(await shown(port)).toBe('first');
  make('second');
  for (const port of [httpPort, grpcPort]) await expect.poll(async () => shown(port)).toBe('second');
  writeFileSync(files.cert_file, 'nonsense');
  for (const port of [httpPort, grpcPort]) expect(await shown(port)).toBe('second');
});

/** Whose certificate a server shows. */
function shown(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { host: 'localhost', port, family: 4, rejectUnauthorized: false };
    const socket = connect({ ...options, ALPNProtocols: ['h2', 'http/1.1'] } as never, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}
