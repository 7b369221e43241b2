// The clients of subscriptions: graphql-ws over WebSocket, graphql-sse and urql over event streams.

import { Client, fetchExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";
import { address, report } from "./wire.mjs";

const token = process.argv[3];
const authorization = `Bearer ${token}`;
const query = "subscription Live { latestNews(first: 1) { nodes { id category { id name } } } }";

const post = async (body) => {
  const headers = { "content-type": "application/json", authorization };
  return (await fetch(address, { method: "POST", headers, body: JSON.stringify(body) })).json();
};

const rename = async (id, name) => {
  const text = "mutation($input: UpdateCategoryInput!) { updateCategory(input: $input) { userErrors { message } } }";
  const { data } = await post({ query: text, variables: { input: { id, name } } });
  if (data.updateCategory.userErrors.length) throw new Error(data.updateCategory.userErrors[0].message);
};

const categoryOf = (result) => result.data.latestNews.nodes[0].category;

// Subscribes, renames the section twice, ends, and resumes with the id of the last event.
async function tryOut(subscribe) {
  const results = [];
  const waiting = [];
  const take = (result) => (waiting.length ? waiting.shift()(result) : results.push(result));
  const next = () => new Promise((done) => (results.length ? done(results.shift()) : waiting.push(done)));
  let end = subscribe({ query }, take);
  const category = categoryOf(await next());
  const names = [];
  let last;
  for (const name of ["One", category.name]) {
    await rename(category.id, name);
    last = await next();
    names.push(categoryOf(last).name);
  }
  end();
  const lastEventId = last.extensions.eventId;
  const resume = (id) => subscribe({ query, extensions: { lastEventId: id } }, take);
  end = resume(lastEventId);
  await rename(category.id, "Two");
  const resumed = await next();
  end();
  end = resume("unknown");
  const unknown = await next();
  await rename(category.id, category.name);
  await next();
  end();
  return {
    names,
    expected: ["One", category.name],
    resumed: categoryOf(resumed).name,
    resync: unknown.extensions.resync,
  };
}

const failing = (client) =>
  new Promise((done) => {
    const results = [];
    client.subscribe(
      { query: "subscription { weather }" },
      {
        next: (result) => results.push(result),
        error: (error) => done(Array.isArray(error) ? error : String(error)),
        complete: () => done(results[0]?.errors),
      },
    );
  });

const output = {};
const sink = (take) => ({ next: take, error: (error) => take({ error }), complete() {} });

const ws = createWsClient({
  url: address.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 0,
});
output.ws = await tryOut((payload, take) => ws.subscribe(payload, sink(take)));
output.wsInvalid = await failing(ws);
await ws.dispose();

const sse = createSseClient({ url: address, headers: { authorization }, retryAttempts: 0 });
output.sse = await tryOut((payload, take) => sse.subscribe(payload, sink(take)));
output.sseInvalid = await failing(sse);
sse.dispose();

const urql = new Client({
  url: address,
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetchSubscriptions: true,
  fetchOptions: { headers: { authorization } },
});
output.urql = await tryOut((payload, take) => {
  const context = payload.extensions ? { fetchOptions: { headers: { authorization, "last-event-id": payload.extensions.lastEventId } } } : {};
  const { unsubscribe } = urql.subscription(payload.query, {}, context).subscribe((result) => take(result));
  return unsubscribe;
});

report(output);
