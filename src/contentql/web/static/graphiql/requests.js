// Sends GraphiQL's requests. Whatever fails on the way is a sentence in the place of the result; of each
// response its status, time, cost and cache state are recorded.
"use strict";

import { requestHeaders } from "./session.js";

const NO_ANSWER =
  "The server does not answer. Check that it runs and that this computer is online, then run the operation again.";

export function errorResult(message) {
  return { errors: [{ message }] };
}

// A fetch function for GraphiQL.createFetcher. `report` gets a summary of the response, `onResult` its JSON
// with the request's.
export function createSender({ report, onResult, onRefused }) {
  return async function send(address, request) {
    const headers = requestHeaders(request.headers);
    const payload = JSON.parse(request.body);
    const start = performance.now();
    const summary = { time: 0 };
    let result;
    try {
      const response = await fetch(address, { ...request, headers });
      const text = await response.text();
      Object.assign(summary, describe(response));
      result = parse(text) ?? errorResult(notJson(response));
      summary.cost ??= result.extensions?.cost?.requested;
      if (response.status === 401) onRefused();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      result = errorResult(NO_ANSWER);
    }
    summary.time = performance.now() - start;
    if (payload.operationName !== "IntrospectionQuery") report(summary);
    onResult(payload, result);
    return { json: () => result };
  };
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function notJson({ status }) {
  return status >= 500
    ? `The server, or a proxy before it, failed (status ${status}). Run the operation again in a moment.`
    : `What answered is not the GraphQL server (status ${status}). Check the address of this page.`;
}

function describe({ status, headers }) {
  const timing = headers.get("server-timing") ?? "";
  const cache = (headers.get("cache-status") ?? "").match(/;\s*(hit|fwd=[\w-]+)/)?.[1];
  return {
    status,
    cost: metric(timing, "cost"),
    cache: cache?.replace("fwd=", "") ?? headers.get("x-cache") ?? metric(timing, "cache"),
    age: headers.get("age") ?? undefined,
  };
}

function metric(timing, name) {
  return timing.match(new RegExp(`(?:^|,)\\s*${name};(?:[^,]*;)?desc="?([\\w-]+)`))?.[1];
}

// The results of a subscription, ended by a sentence if the connection fails.
export async function* readableResults(results) {
  try {
    yield* results;
  } catch (error) {
    if (Array.isArray(error)) yield { errors: error };
    else yield errorResult(error?.reason ? `The server closed the connection: ${error.reason}.` : NO_ANSWER);
  }
}
