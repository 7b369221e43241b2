// relay-runtime with what relay-compiler made of relay/src: refetchable fragments, connections that grow.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { address, report, since, watched } from "./wire.mjs";

const [, , , project, by] = process.argv;
const require = createRequire(import.meta.url);
const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery, getSelector } =
  require("relay-runtime");

const made = (name) => require(`${project}/artifacts/${name}.graphql.js`);
const manifest = JSON.parse(readFileSync(`${project}/persisted.json`, "utf8"));

async function ask({ id }, variables) {
  const named = by === "id" ? { documentId: `sha256:${id}` } : { query: manifest[id] };
  const response = await watched(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ ...named, variables }),
  });
  return response.json();
}

const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });

const run = (name, variables) => fetchQuery(environment, made(name), variables).toPromise();
const read = (fragment, reference) => environment.lookup(getSelector(made(fragment), reference)).data;
const titles = (connection) => connection.edges.map(({ node }) => read("Teaser_article", node).headline);

const found = {
  hashes: Object.entries(manifest).every(([id, text]) => createHash("sha256").update(text).digest("hex") === id),
};

const operation = createOperationDescriptor(made("FrontQuery"), { section: "world" });
environment.retain(operation);
await run("FrontQuery", { section: "world" });
const front = () => environment.lookup(operation.fragment).data;
const latest = () => read("Latest_query", front()).latestNews;
const section = () => read("Section_category", front().category).articles;
found.first = { latest: titles(latest()), section: titles(section()), total: section().totalCount };

// The next page, under the root and under an object found again by its id.
await run("LatestNextQuery", { count: 3, cursor: latest().pageInfo.endCursor });
const page = section().pageInfo;
await run("SectionNextQuery", { id: front().category.id, first: 2, after: page.endCursor, last: null, before: null });
found.second = { latest: titles(latest()), section: titles(section()) };

const again = section().edges[0].node;
found.again = (await run("TeaserAgainQuery", { id: again.__id })) !== undefined;
found.thing = (await run("ThingQuery", { id: again.__id })).node;
found.nothing = (await run("ThingQuery", { id: "art_1" })).node;
found.sent = since();

report(found);
