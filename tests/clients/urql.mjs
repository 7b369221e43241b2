// urql with its normalising cache, which has our schema, and its persisted exchange.

import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { persistedExchange } from "@urql/exchange-persisted";
import { getIntrospectionQuery } from "graphql";
import { address, named, report, since, watched } from "./wire.mjs";

const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.join(" "));

const PAGE = gql`
  query Page($after: String) {
    articles(first: 3, after: $after) {
      edges { node { id headline category { id path } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

const ARTICLE = gql`
  query Article($id: ID!) {
    article(id: $id) {
      id
      headline
      byline
      rights { usageTerms }
      body { blocks { id type ... on ParagraphBlock { text } } }
      attributions { id kind source { id name } via { id source { id name } } }
      leadMedia { id url alt }
    }
  }
`;

const schema = (
  await new Client({ url: address, fetch: watched, exchanges: [fetchExchange], preferGetMethod: false }).query(
    getIntrospectionQuery({ descriptions: false }),
    {},
  )
).data;
const output = { introspection: since() };

// Objects without an id are embedded in their parent.
const embedded = schema.__schema.types.filter(
  (type) => type.kind === "OBJECT" && !type.name.startsWith("__") && !type.fields.some(({ name }) => name === "id"),
);
const keys = Object.fromEntries(embedded.map(({ name }) => [name, () => null]));

function client() {
  const cache = cacheExchange({ schema, keys, resolvers: { Query: { articles: relayPagination() } } });
  return new Client({ url: address, fetch: watched, exchanges: [cache, persistedExchange(), fetchExchange] });
}

const codes = (result) => result.error?.graphQLErrors.map((error) => error.extensions.code) ?? [];

const first = await client().query(PAGE, {});
output.first = { error: first.error?.message, sent: since() };
const reader = client();
const second = await reader.query(PAGE, {});
output.second = { error: second.error?.message, sent: since() };

const edges = second.data?.articles.edges ?? [];
await reader.query(PAGE, { after: second.data?.articles.pageInfo.endCursor });
const merged = await reader.query(PAGE, { after: second.data?.articles.pageInfo.endCursor });
output.page = edges.map((edge) => edge.node.id);
output.merged = merged.data?.articles.edges.map((edge) => edge.node.id);
since();

const article = await reader.query(ARTICLE, { id: output.page[0] });
output.whole = { error: article.error?.message, data: article.data };
since();
const again = await reader.query(ARTICLE, { id: output.page[0] }, { requestPolicy: "cache-only" });
output.again = { same: JSON.stringify(again.data) === JSON.stringify(article.data), sent: since() };

const many = await reader.query(gql`query Many { articles(first: 101) { totalCount } }`, {});
output.tooMany = { codes: codes(many), sent: since() };
output.wrongVariable = { codes: codes(await reader.query(ARTICLE, { id: ["an", "id"] })), sent: since() };
output.warnings = warnings;
output.named = [...named];

report(output);
