// The operations of the app, with the types of their results.

export const SYNC = `query Sync($since: String, $first: Int, $filter: ArticleFilter) {
  changes(since: $since, first: $first, filter: $filter) {
    changes {
      __typename
      id
      ... on Upserted { article { id headline summary language publishedAt expiresAt } }
      ... on Removed { reason at }
    }
    nextToken
    hasMore
    resyncRequired
  }
}`;

export interface Article {
  id: string;
  headline: string;
  summary: string | null;
  language: string;
  publishedAt: string;
  expiresAt: string | null;
}

export type Change =
  | { __typename: "Upserted"; id: string; article: Article }
  | { __typename: "Removed"; id: string; reason: string; at: string };

export interface ChangePage {
  changes: Change[];
  nextToken: string;
  hasMore: boolean;
  resyncRequired: boolean;
}

/** The structure of bundles that `BUNDLE` selects and the app reads. */
export const BUNDLE_SCHEMA_VERSION = 1;

export const BUNDLE = `query Bundle($id: ID!, $device: DeviceClass) {
  articleBundle(id: $id, device: $device) {
    schemaVersion
    version
    expiresAt
    article {
      id
      headline
      language
      byline
      publishedAt
      leadMedia { id }
      attributions { id claim quote chain { id kind source { id } } }
      body {
        blocks {
          __typename
          id
          fallbackText(knownTypes: ["PARAGRAPH", "HEADING", "IMAGE"])
          ... on ParagraphBlock { runs { text marks href } }
          ... on HeadingBlock { text }
          ... on ImageBlock { caption media { id } }
        }
      }
    }
    sources { id name }
    media { media { id kind alt credit } renditions { url width height } }
  }
}`;

export interface Run {
  text: string;
  marks: string[];
  href: string | null;
}

/** A block; the fields beside `__typename`, `id` and `fallbackText` are those of its type. */
export interface Block {
  __typename: string;
  id: string;
  fallbackText: string | null;
  runs?: Run[];
  text?: string;
  caption?: string | null;
  media?: { id: string } | null;
}

export interface Attribution {
  id: string;
  claim: string | null;
  quote: string | null;
  chain: { id: string; kind: string; source: { id: string } | null }[];
}

export interface BundleMedia {
  media: { id: string; kind: string; alt: string | null; credit: string | null };
  renditions: { url: string; width: number | null; height: number | null }[];
}

export interface Bundle {
  schemaVersion: number;
  version: string;
  expiresAt: string | null;
  article: {
    id: string;
    headline: string;
    language: string;
    byline: string | null;
    publishedAt: string;
    leadMedia: { id: string } | null;
    attributions: Attribution[];
    body: { blocks: Block[] };
  };
  sources: { id: string; name: string }[];
  media: BundleMedia[];
}
