// relay-runtime with the artifacts of relay/src: refetchable fragments and connections with several pages.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { address, report, since, watched } from "./wire.mjs";

const [, , , project, by] = process.argv;
const require = createRequire(import.meta.url);
const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery, getSelector } =
  require("relay-runtime");

const artifact = (name) => require(`${project}/artifacts/${name}.graphql.js`);
const manifest = JSON.parse(readFileSync(`${project}/persisted.json`, "utf8"));

async function execute({ id }, variables) {
  const document = by === "id" ? { documentId: `sha256:${id}` } : { query: manifest[id] };
  const response = await watched(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ ...document, variables }),
  });
  return response.json();
}

const environment = new Environment({ network: Network.create(execute), store: new Store(new RecordSource()) });

const run = (name, variables) => fetchQuery(environment, artifact(name), variables).toPromise();
const read = (fragment, reference) => environment.lookup(getSelector(artifact(fragment), reference)).data;
const titles = (connection) => connection.edges.map(({ node }) => read("Teaser_article", node).headline);

const output = {
  hashes: Object.entries(manifest).every(([id, text]) => createHash("sha256").update(text).digest("hex") === id),
};

const operation = createOperationDescriptor(artifact("FrontQuery"), { section: "world" });
environment.retain(operation);
await run("FrontQuery", { section: "world" });
const front = () => environment.lookup(operation.fragment).data;
const latest = () => read("Latest_query", front()).latestNews;
const section = () => read("Section_category", front().category).articles;
output.first = { latest: titles(latest()), section: titles(section()), total: section().totalCount };

// The next page, below the root and below an object that is refetched by id.
await run("LatestNextQuery", { count: 3, cursor: latest().pageInfo.endCursor });
const page = section().pageInfo;
await run("SectionNextQuery", { id: front().category.id, first: 2, after: page.endCursor, last: null, before: null });
output.second = { latest: titles(latest()), section: titles(section()) };

const again = section().edges[0].node;
output.again = (await run("TeaserAgainQuery", { id: again.__id })) !== undefined;
output.thing = (await run("ThingQuery", { id: again.__id })).node;
output.nothing = (await run("ThingQuery", { id: "art_1" })).node;
output.sent = since();

report(output);
