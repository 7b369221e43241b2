// Links to an operation, and requests as commands.
"use strict";

import { requestHeaders, token, url } from "./session.js";

const TOKENS = /\bcqlp?_[A-Za-z0-9_-]{8,}/g;
const NAME = "CONTENTQL_TOKEN";
const SUBSCRIPTION = /^\s*subscription\b/m;

// A link to this page that opens the operation in a new tab of the editor. The operation is in the fragment,
// which browsers do not send. Headers are not in it, and tokens in the text are cut.
export function shareLink({ query, variables }) {
  const fragment = new URLSearchParams({ query: cut(query) });
  if (variables?.trim()) fragment.set("variables", cut(variables));
  return Object.assign(new URL(location.href), { search: "", hash: fragment }).href;
}

function cut(text) {
  const own = token.get();
  return (own ? text.replaceAll(own, "cql_…") : text).replace(TOKENS, "cql_…");
}

// The operation in this page's address, which is then without it; null if there is none.
export function takeSharedOperation() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = fragment.get("query");
  if (query === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return { query, variables: fragment.get("variables") ?? "" };
}

// The request as a command for a POSIX shell. Tokens are read from $CONTENTQL_TOKEN. Throws SyntaxError if
// variables or headers are not JSON.
export function curlCommand({ query, variables, operationName, headers }) {
  const own = headers?.trim() ? JSON.parse(headers) : {};
  const isStream = SUBSCRIPTION.test(query);
  const accept = isStream ? "text/event-stream" : "application/json";
  const fields = requestHeaders({ accept, "content-type": "application/json", ...own });
  const body = { query, variables: variables?.trim() ? JSON.parse(variables) : undefined, operationName };
  const secrets = [token.get()];
  const parts = [isStream ? "curl -N" : "curl", quote(url.href)];
  for (const [name, value] of fields) {
    const [, scheme, secret] = value.match(/^(\w+\s+)?(.+)$/s) ?? [];
    if (name === "authorization" && secret) secrets.push(secret);
    parts.push(`-H ${quote(`${name}: ${value}`, secrets)}`);
  }
  parts.push(`--data-raw ${quote(JSON.stringify(body), secrets)}`);
  return parts.join(" \\\n  ");
}

// A word of the shell. Within single quotes every character stands for itself.
function quote(text, secrets = []) {
  const secret = secrets.find((value) => value && text.includes(value));
  if (secret) {
    return text
      .split(secret)
      .map((part) => part && quote(part, secrets))
      .join(`"$${NAME}"`);
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// Copies text, also where the browser has no clipboard for pages: at addresses without https.
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  if (!copied) throw new Error("copying is not allowed");
}
