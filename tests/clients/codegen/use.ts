// A small typed client: unknown fields and unchecked nullable fields do not compile.

import { graphql } from "./generated/gql.js";
import type { ArticleFilter, LatestQuery, TypedDocumentString } from "./generated/graphql.js";

const Latest = graphql(`
  query Latest($section: String, $filter: ArticleFilter, $after: String) {
    latestNews(section: $section, filter: $filter, first: 2, after: $after) {
      nodes {
        id
        headline
        publishedAt
        urgency
        contentType
        category { path }
        leadMedia { url alt }
        attributions { kind source { name } }
      }
      pageInfo { endCursor hasNextPage }
    }
  }
`);

export type GraphQLResult<Data> = { data?: Data; errors?: { message: string; extensions: { code: string } }[] };

// Sends the hash of the document instead of its text.
export async function execute<Data, Variables>(
  address: string,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<GraphQLResult<Data>> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ documentId: document.__meta__?.["hash"], variables }),
  });
  return (await response.json()) as GraphQLResult<Data>;
}

const anyUrgent: ArticleFilter = {
  urgency: { lte: 8 },
  publishedAt: { gte: "2017-01-01T00:00:00Z" },
  category: { under: "world" },
  not: { contentType: { in: ["OPINION"] } },
};

// @ts-expect-error there is no such condition
export const unknownCondition: ArticleFilter = { weather: { eq: "fine" } };
// @ts-expect-error urgency is a number
export const wrongValue: ArticleFilter = { urgency: { lte: "high" } };

export async function headlines(address: string) {
  const response = await execute(address, Latest, { section: "world", filter: anyUrgent });
  // @ts-expect-error section is a string
  void (() => execute(address, Latest, { section: 7 }));
  const lines: string[] = [];
  for (const node of response.data?.latestNews.nodes ?? []) {
    const path: string = node.category?.path ?? "nowhere";
    // @ts-expect-error leadMedia is nullable
    void (() => node.leadMedia.url);
    // @ts-expect-error byline is not selected
    void (() => node.byline);
    lines.push(`${path}: ${node.headline} ${node.leadMedia?.alt ?? ""}`.trim());
  }
  return { lines, errors: response.errors ?? [] };
}

export type First = LatestQuery["latestNews"]["nodes"][number];

const address = globalThis.process.argv[2];
if (address) {
  console.log(JSON.stringify(await headlines(address)));
}

declare global {
  var process: { argv: string[] };
}
