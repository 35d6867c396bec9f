// Runs one file of the bundle with what V8 made of it before. scripts/bundle.mjs writes this into dist/bundle.
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
const { isMainThread, parentPort } = require('node:worker_threads');
const { crc32 } = require('node:zlib');

const file = `${__dirname}/FILE.js`;
const cache = `${__dirname}/FILE.cache`;

/**
 * V8 refuses what another version, or other flags, left, and compiles. Of damage it would die: behind the bytes is
 * what they add up to.
 */
function kept() {
  try {
    const bytes = readFileSync(cache);
    const code = bytes.subarray(0, -4);
    return bytes.readUInt32LE(code.length) === crc32(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

// It is ASCII only, which is not decoded and not copied this way.
const script = new Script(readFileSync(file, 'latin1'), { filename: file, cachedData: kept() });
if (process.env.SPANWEIR_KEEP_CODE === '1') {
  // Late: functions are compiled when they are called first.
  const keep = () => {
    // What was made under other flags would be refused: this one is set when the engine is ready (src/main.ts).
    setFlagsFromString('--semi-space-growth-factor=2');
    const code = script.createCachedData();
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(code));
    writeFileSync(`${cache}.new`, Buffer.concat([code, sum]));
    renameSync(`${cache}.new`, cache);
  };
  if (isMainThread) process.once('exit', keep);
  else parentPort?.on('message', ({ type }) => type === 'stop' && keep());
}
script.runInThisContext()(exports, require, module, file, __dirname);
