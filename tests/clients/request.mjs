// graphql-request, the small client of scripts and servers.

import { ClientError, GraphQLClient, gql } from "graphql-request";
import { address, named, outcome, report, since, watched } from "./wire.mjs";

const LATEST = gql`query Latest($section: String) { latestNews(section: $section, first: 2) { nodes { headline } } }`;

const found = {};
const posting = new GraphQLClient(address, { fetch: watched });
const getting = new GraphQLClient(address, { fetch: watched, method: "GET", jsonSerializer: JSON });

found.posted = { data: await posting.request(LATEST, { section: "world" }), sent: since() };
found.got = { data: await getting.request(LATEST, { section: "world" }), sent: since() };

const refused = await outcome(posting.request(gql`{ weather }`));
found.refused = {
  own: refused.fault instanceof ClientError,
  status: refused.fault?.response?.status,
  codes: refused.fault?.response?.errors?.map((error) => error.extensions.code),
  sent: since(),
};

const inPart = new GraphQLClient(address, { fetch: watched, errorPolicy: "all" });
const part = await inPart.rawRequest(gql`{ article(id: "nonsense") { id } categories(first: 1) { nodes { path } } }`);
found.inPart = { data: part.data, codes: part.errors.map((error) => error.extensions.code), sent: since() };

const leaving = new AbortController();
const left = outcome(new GraphQLClient(address, { fetch: watched, signal: leaving.signal }).request(LATEST));
setImmediate(() => leaving.abort());
found.left = { name: (await left).name ?? null, sent: since() };
found.named = [...named];

report(found);
