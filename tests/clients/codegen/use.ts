// A small typed client: what the schema does not have, or may not have, does not compile.

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

export type Answer<Data> = { data?: Data; errors?: { message: string; extensions: { code: string } }[] };

// The document itself never travels: its hash does.
export async function ask<Data, Variables>(
  address: string,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ documentId: document.__meta__?.["hash"], variables }),
  });
  return (await response.json()) as Answer<Data>;
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
  const answer = await ask(address, Latest, { section: "world", filter: anyUrgent });
  // @ts-expect-error a section is text
  void (() => ask(address, Latest, { section: 7 }));
  const said: string[] = [];
  for (const node of answer.data?.latestNews.nodes ?? []) {
    const path: string = node.category?.path ?? "nowhere";
    // @ts-expect-error there may be no picture
    void (() => node.leadMedia.url);
    // @ts-expect-error it was not asked for
    void (() => node.byline);
    said.push(`${path}: ${node.headline} ${node.leadMedia?.alt ?? ""}`.trim());
  }
  return { said, errors: answer.errors ?? [] };
}

export type First = LatestQuery["latestNews"]["nodes"][number];

const address = globalThis.process.argv[2];
if (address) {
  console.log(JSON.stringify(await headlines(address)));
}

declare global {
  var process: { argv: string[] };
}
