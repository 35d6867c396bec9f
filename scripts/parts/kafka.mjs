// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cacheRoot, once, onPath, progress } from './cache.mjs';
import { run, startChild, untilReady } from './child.mjs';
import { freePort } from './ports.mjs';

const VERSION = '4.1.0';
const LOG4J_VERSION = '2.25.1';

/**
 * A running broker (or somebody's own, then without a child).
 * @typedef {object} Kafka
 * @property {string[]} brokers host:port, as clients want them
 * @property {import('./child.mjs').Child | undefined} child
 * @property {() => Promise<void>} stop in order; nothing happens to a broker that was there before
 */

/**
 * The brokers named in KAFKA_BROKERS (comma separated), or undefined.
 * @returns {string[] | undefined}
 */
export function kafkaFromEnvironment() {
  const brokers = (process.env.KAFKA_BROKERS ?? '').split(',').map((text) => text.trim());
  const named = brokers.filter((text) => text !== '');
  return named.length > 0 ? named : undefined;
}

/**
 * The broker of KAFKA_BROKERS if that is set, otherwise one started here.
 * @param {Parameters<typeof startKafka>[0]} options
 * @returns {Promise<Kafka>}
 */
export async function openKafka(options) {
  const brokers = kafkaFromEnvironment();
  if (brokers !== undefined) return { brokers, child: undefined, stop: async () => {} };
  return await startKafka(options);
}

/**
 * Fetches the broker's jars once, from Maven Central through the machine's own Maven.
 * @returns {Promise<string>} the folder of jars
 */
export async function ensureKafka() {
  requireJava();
  return await once(join(cacheRoot(), 'kafka', VERSION), async (folder) => {
    if (!onPath('mvn')) throw new Error(missing('Maven (mvn)', 'maven'));
    progress(`fetching Kafka ${VERSION} from Maven Central`);
    writeFileSync(join(folder, 'pom.xml'), POM);
    const libs = join(folder, 'libs');
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${libs}`], {
      cwd: folder,
    });
    return libs;
  });
}

/**
 * One KRaft node (broker and controller) on 127.0.0.1. `dir` keeps its data, settings and log; what a former
 * run left in it is still there. Ports are free ones unless given.
 * @param {{dir: string, port?: number, controllerPort?: number, settings?: Record<string, string | number>,
 *   heapMb?: number, formatWith?: string[]}} options `formatWith`: more arguments for the format of a new folder
 * @returns {Promise<Kafka & {child: import('./child.mjs').Child}>}
 */
export async function startKafka({
  dir,
  port,
  controllerPort,
  settings = {},
  heapMb = 512,
  formatWith = [],
}) {
  const libs = await ensureKafka();
  mkdirSync(dir, { recursive: true });
  const data = join(dir, 'log');
  const config = join(dir, 'server.properties');
  const brokerPort = port ?? (await freePort());
  const quorumPort = controllerPort ?? (await freePort());
  const lines = { ...defaults(brokerPort, quorumPort, data), ...settings };
  writeFileSync(
    config,
    Object.entries(lines)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  writeFileSync(join(dir, 'log4j2.properties'), LOG4J);
  const java = ['-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`];
  const classpath = ['-cp', join(libs, '*')];
  if (!existsSync(join(data, 'meta.properties'))) {
    const format = [
      'kafka.tools.StorageTool',
      'format',
      '--standalone',
      '-t',
      clusterId(),
      '-c',
      config,
      ...formatWith,
    ];
    await run('java', [...java, ...classpath, ...format]);
  }
  const child = await startChild({
    name: 'Kafka',
    command: 'java',
    args: [`-Xmx${heapMb}m`, ...java, ...classpath, 'kafka.Kafka', config],
    logFile: join(dir, 'kafka.out'),
  });
  await untilReady(child, () => answers(brokerPort));
  return {
    brokers: [`127.0.0.1:${brokerPort}`],
    child,
    stop: async () => {
      await child.stop(15_000);
    },
  };
}

/**
 * @param {number} port
 * @param {number} controllerPort
 * @param {string} data
 * @returns {Record<string, string | number>}
 */
function defaults(port, controllerPort, data) {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    'num.partitions': 1,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  };
}

/**
 * Whether the broker answers a Metadata request (version 4, all topics) and counts itself among the living.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  // length 15; Metadata version 4; correlation id 7, no client id; all topics, create none
  const request = Buffer.from('0000000f' + '00030004' + '00000007ffff' + 'ffffffff00', 'hex');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let reply = Buffer.alloc(0);
    const done = (/** @type {boolean} */ answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => done(false));
    socket.on('error', () => done(false));
    socket.on('close', () => resolve(false));
    socket.on('data', (bytes) => {
      reply = Buffer.concat([reply, bytes]);
      // length, correlation id, throttle time, number of brokers
      if (reply.length >= 16) done(reply.readInt32BE(4) === 7 && reply.readInt32BE(12) > 0);
    });
  });
}

function requireJava() {
  if (!onPath('java')) throw new Error(missing('Java 17 or newer', 'default-jre-headless maven'));
}

/**
 * @param {string} what
 * @param {string} packages
 */
function missing(what, packages) {
  return `Kafka needs ${what}: run "apt-get install ${packages}" (or your system's like), or set KAFKA_BROKERS to a broker that you have`;
}

/** A random uuid in Kafka's spelling; one that starts with a dash would look like an option. */
function clusterId() {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

const LOG4J = `rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
`;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>spanweir</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
