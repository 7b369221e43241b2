import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSseClient } from "graphql-sse";
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from "urql";

/**
 * Queries are sent by GET with the hash of their text, so that browsers and CDNs cache the responses. Subscriptions are
 * event streams (server-sent events), which reconnect by themselves.
 */
export function createApiClient(url: string): Client {
  const streams = createSseClient({ url, retryAttempts: Number.POSITIVE_INFINITY });
  return new Client({
    url,
    preferGetMethod: true,
    exchanges: [
      cacheExchange,
      persistedExchange({ preferGetForPersistedQueries: true }),
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: streams.subscribe({ query: query ?? "", variables }, sink),
          }),
        }),
      }),
      fetchExchange,
    ],
  });
}
