import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../../test/support/browser.ts';

/**
 * Pictures of the page's four views for docs/, of an engine that runs: `npx tsx scripts/docs/page-pictures.ts [URL]`
 * after some minutes of `npm start`.
 */
const URL_OF_PAGE = process.argv[2] ?? 'http://localhost:16686';

const PICTURES = [
  { file: 'overview-page.png', view: 'red', heading: 'Services' },
  { file: 'page-sampling.png', view: 'sampling', heading: 'What is served, and why' },
  { file: 'page-graph.png', view: 'graph', heading: 'Edges' },
  { file: 'page-engine.png', view: 'engine', heading: 'Inserts into ClickHouse' },
] as const;

const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 940 }, colorScheme: 'light' });
  for (const { file, view, heading } of PICTURES) {
    await page.goto(`${URL_OF_PAGE}/#/${view}`);
    await page.getByRole('heading', { name: heading }).locator('xpath=..').locator('td').first().waitFor();
    await page.screenshot({ path: fileURLToPath(new URL(`../../docs/${file}`, import.meta.url)) });
  }
} finally {
  await browser.close();
}
