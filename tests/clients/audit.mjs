// The audits of GraphQL over HTTP that the graphql-http project publishes.

import { auditServer } from "graphql-http";
import { address, report } from "./wire.mjs";

const results = await auditServer({ url: address, fetchFn: fetch });
report(
  await Promise.all(
    results.map(async ({ id, name, status, reason, response }) => ({
      id,
      name,
      status,
      reason,
      answered: response?.status,
    })),
  ),
);
