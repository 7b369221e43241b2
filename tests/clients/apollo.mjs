// Apollo Client, as a news site uses it: persisted queries over GET, pages that merge, a cache that knows unions.

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

function refused({ fault }) {
  return CombinedGraphQLErrors.is(fault) ? fault.errors.map((error) => error.extensions.code) : fault?.name;
}

const found = {};

// Nobody asked this before: a hash alone misses, the text registers it, and from then on the hash is enough.
const first = await client().query({ query: HEADLINES });
found.first = { ids: first.data.articles.edges.map((edge) => edge.node.id), sent: since() };
const reader = client();
const second = await reader.query({ query: HEADLINES });
found.second = { ids: second.data.articles.edges.map((edge) => edge.node.id), sent: since() };

// Two pages become one list.
const shown = reader.watchQuery({ query: HEADLINES });
const reading = shown.subscribe(() => {});
await shown.fetchMore({ variables: { after: second.data.articles.pageInfo.endCursor } });
found.merged = reader.readQuery({ query: HEADLINES }).articles.edges.map((edge) => edge.node.id);
reading.unsubscribe();
found.six = (await client().query({ query: SIX })).data.articles.edges.map((edge) => edge.node.id);
since();

// What implements what is learnt from introspection; the cache then matches fragments on interfaces.
const kinds = (await client({ persisted: false }).query({ query: KINDS })).data.__schema.types;
const possibleTypes = Object.fromEntries(
  kinds.filter((kind) => kind.possibleTypes).map((kind) => [kind.name, kind.possibleTypes.map(({ name }) => name)]),
);
found.possible = possibleTypes;
const knowing = client({ possibleTypes });
await knowing.query({ query: BLOCKS });
since();
const cached = await knowing.query({ query: BLOCKS, fetchPolicy: "cache-only" });
found.blocks = cached.data.articles.nodes.flatMap((node) => node.body.blocks);
found.fromCache = since().length;
found.thing = (await knowing.query({ query: THING, variables: { id: found.six[0] } })).data.node;
since();

// Refusals come with their code, whole or in part, persisted or not.
const plain = client({ persisted: false });
found.unknownField = { codes: refused(await outcome(plain.query({ query: gql`{ weather }` }))), sent: since() };
found.tooMany = {
  codes: refused(await outcome(client().query({ query: gql`query Many { articles(first: 101) { totalCount } }` }))),
  sent: since(),
};
found.wrongVariable = {
  codes: refused(await outcome(plain.query({ query: THING, variables: { id: { not: "an id" } } }))),
  sent: since(),
};
const inPart = gql`query InPart { article(id: "nonsense") { id } categories(first: 1) { nodes { path } } }`;
const part = await plain.query({ query: inPart, errorPolicy: "all" });
found.inPart = { data: part.data, codes: part.error.errors.map((error) => error.extensions.code), sent: since() };

// A reader who turns the page before the answer is there.
const leaving = new AbortController();
const left = outcome(
  plain.query({ query: SIX, fetchPolicy: "network-only", context: { fetchOptions: { signal: leaving.signal } } }),
);
setImmediate(() => leaving.abort());
found.left = { name: (await left).name ?? null, sent: since() };
found.after = (await plain.query({ query: SIX, fetchPolicy: "network-only" })).data.articles.edges.length;
found.named = [...named];

report(found);
