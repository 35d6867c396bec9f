/**
 * The same text in memory of its own. V8 makes a part of a text that refers to the whole: who keeps a short part of
 * each request for long keeps all of the requests.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
