// Runs the clients of docs/frontend.md against a server and prints what they did, as JSON.

import { createClient as createApollo } from "./apollo.js";
import { ArticlePage, Latest } from "./queries.js";
import { createClient as createUrql } from "./urql.js";

const address = process.argv[2] ?? "";
type Sent = { method: string; hash: boolean; text: boolean; status: number; etag: string | null };
let sent: Sent[] = [];
const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await realFetch(input, init);
  const url = new URL(String(input instanceof Request ? input.url : input));
  const extensions = url.searchParams.get("extensions") ?? "";
  sent.push({
    method: init?.method ?? "GET",
    hash: extensions.includes("sha256Hash"),
    text: url.searchParams.has("query"),
    status: response.status,
    etag: response.headers.get("etag"),
  });
  return response;
};
const since = () => sent.splice(0);

const apollo = createApollo(address);
const query = apollo.watchQuery({ query: Latest, variables: { section: "world", first: 3 } });
const subscription = query.subscribe(() => {});
const first = await apollo.query({ query: Latest, variables: { section: "world", first: 3 } });
await query.fetchMore({ variables: { after: first.data?.latestNews.pageInfo.endCursor ?? null } });
const merged = apollo.readQuery({ query: Latest, variables: { section: "world", first: 3 } });
subscription.unsubscribe();
const ids = (merged?.latestNews.edges ?? []).map((edge) => edge.node.id);
const listSent = since();
const id = ids[0] ?? "";
const page = await apollo.query({ query: ArticlePage, variables: { id } });
const pageSent = since();
const again = await apollo.query({ query: ArticlePage, variables: { id } });
const output = {
  apollo: {
    ids, listSent, pageSent,
    blocks: page.data?.article?.body?.blocks.length ?? 0,
    headline: page.data?.article?.headline,
    cached: { headline: again.data?.article?.headline, sent: since() },
    keys: Object.keys(apollo.cache.extract() as object),
  },
};

const urql = createUrql(address);
const one = await urql.query(Latest, { section: "world", first: 3 }).toPromise();
const after = one.data?.latestNews.pageInfo.endCursor ?? null;
await urql.query(Latest, { section: "world", first: 3, after }).toPromise();
const two = await urql.query(Latest, { section: "world", first: 3, after }).toPromise();
const urqlListSent = since();
const shown = await urql.query(ArticlePage, { id }).toPromise();
const urqlPageSent = since();
const shownAgain = await urql.query(ArticlePage, { id }).toPromise();
console.log(JSON.stringify({
  ...output,
  urql: {
    ids: (two.data?.latestNews.edges ?? []).map((edge) => edge.node.id),
    error: one.error?.message ?? two.error?.message ?? shown.error?.message ?? null,
    listSent: urqlListSent, pageSent: urqlPageSent,
    headline: shown.data?.article?.headline,
    cached: { headline: shownAgain.data?.article?.headline, sent: since() },
  },
}));
process.exit(0);

declare global {
  var process: { argv: string[]; exit(code: number): never };
}
