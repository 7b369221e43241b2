// graphql-ws, the client of subscriptions; queries go through the same socket.

import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { address, report } from "./wire.mjs";

const LATEST = "query Latest($n: Int) { latestNews(first: $n) { nodes { headline } } }";

const found = { pongs: 0, protocols: [] };
const client = createClient({
  url: address.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  lazyCloseTimeout: 500,
  keepAlive: 50,
  on: {
    opened: (socket) => found.protocols.push(socket.protocol),
    pong: (received) => (found.pongs += received ? 1 : 0),
  },
});

const asked = (payload) =>
  new Promise((resolve) => {
    const results = [];
    client.subscribe(payload, {
      next: (result) => results.push(result),
      error: (fault) => resolve({ results, fault: Array.isArray(fault) ? fault : String(fault) }),
      complete: () => resolve({ results }),
    });
  });

const several = [1, 2, 3].map((n) => asked({ query: LATEST, variables: { n } }));
found.several = (await Promise.all(several)).map(({ results }) => results[0].data.latestNews.nodes.length);
found.refused = await asked({ query: "{ weather }" });
found.after = (await asked({ query: LATEST, variables: { n: 1 } })).results.length;
await new Promise((resolve) => setTimeout(resolve, 200));
await client.dispose();

report(found);
