// Records the requests of a client and their responses, for pytest to read.

export const address = process.argv[2];

const sent = [];

// Names of all headers that the client sets itself: a browser sends them in a CORS preflight.
export const named = new Set();

export async function watched(input, init = {}) {
  const url = new URL(input.url ?? input);
  const method = (init.method ?? "GET").toUpperCase();
  const request = method === "GET" ? fromAddress(url.searchParams) : JSON.parse(init.body);
  const persisted = request.extensions?.persistedQuery;
  const headers = new Headers(init.headers);
  for (const name of headers.keys()) named.add(name);
  const line = {
    method,
    by: request.query ? (persisted ? "text and hash" : "text") : persisted ? "hash" : "id",
    accept: headers.get("accept"),
  };
  sent.push(line);
  try {
    const response = await fetch(input, init);
    line.status = response.status;
    for (const name of ["content-type", "content-encoding", "cache-control", "vary", "etag"]) {
      line[name] = response.headers.get(name);
    }
    const body = await response.clone().json();
    line.codes = (body.errors ?? []).map((error) => error.extensions.code);
    return response;
  } catch (error) {
    line.fault = error.name;
    throw error;
  }
}

// The requests since the last call.
export function since() {
  return sent.splice(0);
}

// The value of a promise, or name, message and error of its failure.
export async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    return { name: error.name, message: error.message, error };
  }
}

export function report(output) {
  process.stdout.write(JSON.stringify(output), () => process.exit(0));
}

function fromAddress(parameters) {
  const request = Object.fromEntries(parameters);
  for (const name of ["variables", "extensions"]) {
    if (request[name]) request[name] = JSON.parse(request[name]);
  }
  return request;
}
