// @ts-check
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureProgram } from './apt.mjs';
import { cacheRoot, once, onPath, progress } from './cache.mjs';
import { run } from './child.mjs';

/** One small program per SDK. */
const SOURCES = fileURLToPath(new URL('../../test/integration/sampling/clients', import.meta.url));

/**
 * How a program is run.
 * @typedef {{command: string, args: string[]}} Program
 */

/**
 * Builds the programs that hold the real samplers of the Go, Java, JavaScript and Rust SDKs, each once until its
 * sources change. Rejects with a line for every toolchain that is missing.
 * @returns {Promise<{go: Program, java: Program, js: Program, rust: Program}>}
 */
export async function ensureSamplingClients() {
  /** @type {Record<string, string>} */
  const built = {};
  const problems = [];
  // One after the other: each compiler takes every core that there is.
  for (const [sdk, build] of Object.entries({ java: buildJava, go: buildGo, rust: buildRust })) {
    try {
      built[sdk] = await build();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const { java = '', go = '', rust = '' } = built;
  return {
    go: { command: go, args: [] },
    java: { command: 'java', args: javaArguments(java) },
    js: { command: process.execPath, args: [join(SOURCES, 'js', 'client.mjs')] },
    rust: { command: rust, args: [] },
  };
}

/** @returns {Promise<string>} the program */
async function buildGo() {
  const sources = join(SOURCES, 'go');
  return await once(cached('go', sources), async (folder) => {
    if (!onPath('go')) {
      throw new Error(
        'the client of the Go SDK is built with Go 1.26 or newer: see https://go.dev/doc/install',
      );
    }
    progress('building the client of the Go SDK');
    const program = join(folder, 'client');
    await run('go', ['build', '-mod=readonly', '-buildvcs=false', '-trimpath', '-o', program, '.'], {
      cwd: sources,
    });
    return program;
  });
}

/** @returns {Promise<string>} a folder of jars and classes */
async function buildJava() {
  const sources = join(SOURCES, 'java');
  return await once(cached('java', sources), async (folder) => {
    if (!onPath('java') || !onPath('mvn')) {
      throw new Error(
        'the client of the Java SDK needs Java 17 or newer and Maven (mvn): run "apt-get install default-jre-headless maven" (or your system\'s like)',
      );
    }
    progress('building the client of the Java SDK');
    const built = join(folder, 'built');
    const copy = ['-q', '-B', '-f', join(sources, 'pom.xml'), 'dependency:copy-dependencies'];
    await run('mvn', [...copy, `-DoutputDirectory=${built}`], { cwd: folder });
    const classpath = readdirSync(built).map((jar) => join(built, jar));
    const compiler = ['-cp', join(built, '*'), 'org.eclipse.jdt.internal.compiler.batch.Main'];
    const options = ['-17', '-encoding', 'UTF-8', '-cp', classpath.join(':'), '-d', built];
    await run('java', [...compiler, ...options, join(sources, 'SamplingClient.java')]);
    return built;
  });
}

/** @param {string} built */
function javaArguments(built) {
  const short = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  return [...short, '-cp', `${built}:${join(built, '*')}`, 'SamplingClient'];
}

/** @returns {Promise<string>} the program */
async function buildRust() {
  const sources = join(SOURCES, 'rust');
  return await once(cached('rust', sources), async (folder) => {
    await ensureProgram({
      what: 'Rust 1.88 or newer (cargo; see https://rustup.rs) for the client of the Rust SDK',
      programs: ['cargo'],
      // Debian's newest, made for building browsers.
      package: 'cargo-web',
    });
    progress('building the client of the Rust SDK');
    const target = join(folder, 'target');
    mkdirSync(target);
    await run('cargo', ['build', '--release', '--locked', '--quiet', '--target-dir', target], {
      cwd: sources,
    });
    return join(target, 'release', 'sampling-client');
  });
}

/**
 * Where what is built from these sources is kept.
 * @param {string} sdk
 * @param {string} sources a folder
 */
function cached(sdk, sources) {
  const hash = createHash('sha256');
  for (const file of filesIn(sources)) hash.update(`${relative(sources, file)}\0`).update(readFileSync(file));
  return join(cacheRoot(), 'sampling-clients', `${sdk}-${hash.digest('hex').slice(0, 16)}`);
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesIn(folder) {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]));
}
