import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';

test('Chromium runs the script of a page and takes a picture of it', async () => {
  const page = '<title>t</title><p id=p>before</p><script>p.textContent = "after " + 6 * 7</script>';
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(page),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage({ viewport: { width: 320, height: 200 } });
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await tab.textContent('#p')).toBe('after 42');
    const picture = await tab.screenshot();
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([320, 200]);
  } finally {
    await browser.close();
    server.close();
  }
});
