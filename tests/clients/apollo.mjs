// Apollo Client, as a news site uses it: persisted queries over GET, merged pages, a cache with possibleTypes.

import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { address, named, outcome, report, since, watched } from "./wire.mjs";

const HEADLINES = gql`
  query Headlines($after: String) {
    articles(first: 3, after: $after) {
      edges { cursor node { id headline } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

const SIX = gql`
  query Six { articles(first: 6) { edges { node { id } } } }
`;

const BLOCKS = gql`
  query Blocks { articles(first: 2) { nodes { __typename id body { blocks { __typename ...AnyBlock } } } } }
  fragment AnyBlock on Block { id type }
`;

const THING = gql`
  query Thing($id: ID!) { node(id: $id) { __typename ...AnyNode } }
  fragment AnyNode on Node { id }
`;

const KINDS = gql`
  query Kinds { __schema { types { name possibleTypes { name } } } }
`;

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function client({ persisted = true, possibleTypes = {} } = {}) {
  const http = new HttpLink({ uri: address, fetch: watched });
  const link = persisted
    ? ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries: true }), http])
    : http;
  const cache = new InMemoryCache({
    possibleTypes,
    typePolicies: { Query: { fields: { articles: relayStylePagination(["filter", "search", "orderBy"]) } } },
  });
  return new ApolloClient({ link, cache, clientAwareness: { name: "news-site", version: "1.2.3" } });
}

function codes({ error }) {
  return CombinedGraphQLErrors.is(error) ? error.errors.map(({ extensions }) => extensions.code) : error?.name;
}

const output = {};

// A hash alone misses, the text registers the document, and afterwards the hash is enough.
const first = await client().query({ query: HEADLINES });
output.first = { ids: first.data.articles.edges.map((edge) => edge.node.id), sent: since() };
const reader = client();
const second = await reader.query({ query: HEADLINES });
output.second = { ids: second.data.articles.edges.map((edge) => edge.node.id), sent: since() };

// Two pages become one list.
const watchedQuery = reader.watchQuery({ query: HEADLINES });
const reading = watchedQuery.subscribe(() => {});
await watchedQuery.fetchMore({ variables: { after: second.data.articles.pageInfo.endCursor } });
output.merged = reader.readQuery({ query: HEADLINES }).articles.edges.map((edge) => edge.node.id);
reading.unsubscribe();
output.six = (await client().query({ query: SIX })).data.articles.edges.map((edge) => edge.node.id);
since();

// With possibleTypes from introspection, the cache matches fragments on interfaces.
const kinds = (await client({ persisted: false }).query({ query: KINDS })).data.__schema.types;
const possibleTypes = Object.fromEntries(
  kinds.filter((kind) => kind.possibleTypes).map((kind) => [kind.name, kind.possibleTypes.map(({ name }) => name)]),
);
output.possible = possibleTypes;
const typed = client({ possibleTypes });
await typed.query({ query: BLOCKS });
since();
const cached = await typed.query({ query: BLOCKS, fetchPolicy: "cache-only" });
output.blocks = cached.data.articles.nodes.flatMap((node) => node.body.blocks);
output.fromCache = since().length;
output.thing = (await typed.query({ query: THING, variables: { id: output.six[0] } })).data.node;
since();

// Errors have their code, with and without partial data, persisted or not.
const plain = client({ persisted: false });
output.unknownField = { codes: codes(await outcome(plain.query({ query: gql`{ weather }` }))), sent: since() };
output.tooMany = {
  codes: codes(await outcome(client().query({ query: gql`query Many { articles(first: 101) { totalCount } }` }))),
  sent: since(),
};
output.wrongVariable = {
  codes: codes(await outcome(plain.query({ query: THING, variables: { id: { not: "an id" } } }))),
  sent: since(),
};
const inPart = gql`query InPart { article(id: "nonsense") { id } categories(first: 1) { nodes { path } } }`;
const part = await plain.query({ query: inPart, errorPolicy: "all" });
output.inPart = { data: part.data, codes: part.error.errors.map((error) => error.extensions.code), sent: since() };

// A request that is aborted before the response.
const controller = new AbortController();
const left = outcome(
  plain.query({ query: SIX, fetchPolicy: "network-only", context: { fetchOptions: { signal: controller.signal } } }),
);
setImmediate(() => controller.abort());
output.left = { name: (await left).name ?? null, sent: since() };
output.after = (await plain.query({ query: SIX, fetchPolicy: "network-only" })).data.articles.edges.length;
output.named = [...named];

report(output);
