// What a client sent and what came back, one line a request, for pytest to read.

export const address = process.argv[2];

const sent = [];

// The names of all headers that the client set itself: what a browser asks another site's leave for.
export const named = new Set();

export async function watched(input, init = {}) {
  const url = new URL(input.url ?? input);
  const method = (init.method ?? "GET").toUpperCase();
  const asked = method === "GET" ? fromAddress(url.searchParams) : JSON.parse(init.body);
  const persisted = asked.extensions?.persistedQuery;
  const headers = new Headers(init.headers);
  for (const name of headers.keys()) named.add(name);
  const line = {
    method,
    by: asked.query ? (persisted ? "text and hash" : "text") : persisted ? "hash" : "id",
    accept: headers.get("accept"),
  };
  sent.push(line);
  try {
    const response = await fetch(input, init);
    line.status = response.status;
    for (const name of ["content-type", "content-encoding", "cache-control", "vary", "etag"]) {
      line[name] = response.headers.get(name);
    }
    const said = await response.clone().json();
    line.codes = (said.errors ?? []).map((error) => error.extensions.code);
    return response;
  } catch (fault) {
    line.fault = fault.name;
    throw fault;
  }
}

// Takes out what was sent since it was last asked.
export function since() {
  return sent.splice(0);
}

// What a promise came to, and if it failed, as what.
export async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (fault) {
    return { name: fault.name, message: fault.message, fault };
  }
}

export function report(found) {
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}

function fromAddress(parameters) {
  const found = Object.fromEntries(parameters);
  for (const name of ["variables", "extensions"]) {
    if (found[name]) found[name] = JSON.parse(found[name]);
  }
  return found;
}
