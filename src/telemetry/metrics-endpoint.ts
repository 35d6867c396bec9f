import type { Component } from '../base/component.ts';
import type { ListenAddress, Listeners } from '../flow/host.ts';
import type { Exposition } from './exposition.ts';

/** Serves the engine's own metrics at `/metrics`. The listener itself belongs to the host. */
export function createMetricsEndpoint(
  address: ListenAddress & { readonly option: string },
  listeners: Listeners,
  exposition: Exposition,
): Component {
  return {
    id: 'telemetry',
    async start() {
      listeners.http(address, address.option).route('/metrics', async (_request, response) => {
        const body = await exposition.render();
        response.writeHead(200, { 'content-type': exposition.contentType });
        response.end(body);
      });
    },
    async stop() {},
  };
}
