// graphql-ws, a client for subscriptions, which also sends queries.

import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { address, report } from "./wire.mjs";

const LATEST = "query Latest($n: Int) { latestNews(first: $n) { nodes { headline } } }";

const output = { pongs: 0, protocols: [] };
const client = createClient({
  url: address.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  lazyCloseTimeout: 500,
  keepAlive: 50,
  on: {
    opened: (socket) => output.protocols.push(socket.protocol),
    pong: (received) => (output.pongs += received ? 1 : 0),
  },
});

const execute = (payload) =>
  new Promise((resolve) => {
    const results = [];
    client.subscribe(payload, {
      next: (result) => results.push(result),
      error: (error) => resolve({ results, fault: Array.isArray(error) ? error : String(error) }),
      complete: () => resolve({ results }),
    });
  });

const several = [1, 2, 3].map((n) => execute({ query: LATEST, variables: { n } }));
output.several = (await Promise.all(several)).map(({ results }) => results[0].data.latestNews.nodes.length);
output.refused = await execute({ query: "{ weather }" });
output.after = (await execute({ query: LATEST, variables: { n: 1 } })).results.length;
await new Promise((resolve) => setTimeout(resolve, 200));
await client.dispose();

report(output);
