// The SDL, built by both versions of graphql-js in use, compared with introspection.

import { readFileSync } from "node:fs";
import * as sixteen from "graphql";
import * as seventeen from "graphql-17";
import { address, report } from "./wire.mjs";

const sdl = readFileSync(process.argv[3], "utf8");

async function compare(graphql) {
  const { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } = graphql;
  const query = getIntrospectionQuery({ schemaDescription: true, specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
  const response = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  const printed = (schema) => printSchema(lexicographicSortSchema(schema));
  const built = buildSchema(sdl);
  return {
    version: graphql.version,
    faults: graphql.validateSchema(built).map(String),
    errors: errors ?? [],
    same: data ? printed(built) === printed(buildClientSchema(data)) : null,
  };
}

report([await compare(sixteen), await compare(seventeen)]);
