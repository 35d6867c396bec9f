import { createServer } from 'node:http';

// What node:http can do at best with replies of this size: prints its port, then answers everything.
const body = 'x'.repeat(Number(process.argv[2]));
const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)];
const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
