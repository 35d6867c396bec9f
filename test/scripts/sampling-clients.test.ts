import { expect, test } from 'vitest';
import { run } from '../../scripts/parts/child.mjs';
import { tempDirOfTest } from '../support/temp-dir.ts';

const module = new URL('../../scripts/parts/sampling-clients.mjs', import.meta.url).href;

test('every toolchain that is missing for the clients of the SDKs is named in one line, with how to get it', async () => {
  const program = `
    import { ensureSamplingClients } from ${JSON.stringify(module)};
    await ensureSamplingClients().catch((error) => console.log(error.message));`;
  const dir = tempDirOfTest();
  const env = { PATH: dir, SPANWEIR_CACHE: dir };
  const said = await run(process.execPath, ['--input-type=module', '-e', program], { env });
  const lines = said.trim().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/Java 17 or newer and Maven .*apt-get install/);
  expect(lines[1]).toMatch(/Go 1\.26 or newer.*https:\/\/go\.dev/);
  expect(lines[2]).toMatch(/Rust 1\.88 or newer.*https:\/\/rustup\.rs/);
});
