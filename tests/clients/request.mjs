// graphql-request, the small client of scripts and servers.

import { ClientError, GraphQLClient, gql } from "graphql-request";
import { address, named, outcome, report, since, watched } from "./wire.mjs";

const LATEST = gql`query Latest($section: String) { latestNews(section: $section, first: 2) { nodes { headline } } }`;

const output = {};
const posting = new GraphQLClient(address, { fetch: watched });
const getting = new GraphQLClient(address, { fetch: watched, method: "GET", jsonSerializer: JSON });

output.posted = { data: await posting.request(LATEST, { section: "world" }), sent: since() };
output.got = { data: await getting.request(LATEST, { section: "world" }), sent: since() };

const rejected = await outcome(posting.request(gql`{ weather }`));
output.refused = {
  own: rejected.error instanceof ClientError,
  status: rejected.error?.response?.status,
  codes: rejected.error?.response?.errors?.map((error) => error.extensions.code),
  sent: since(),
};

const inPart = new GraphQLClient(address, { fetch: watched, errorPolicy: "all" });
const part = await inPart.rawRequest(gql`{ article(id: "nonsense") { id } categories(first: 1) { nodes { path } } }`);
output.inPart = { data: part.data, codes: part.errors.map((error) => error.extensions.code), sent: since() };

const controller = new AbortController();
const left = outcome(new GraphQLClient(address, { fetch: watched, signal: controller.signal }).request(LATEST));
setImmediate(() => controller.abort());
output.left = { name: (await left).name ?? null, sent: since() };
output.named = [...named];

report(output);
