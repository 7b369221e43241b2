// Persisted queries by GET: the request names the document by its hash, and its URL is the same whenever the variables
// are, so that browsers, CDNs and `ETag` can answer it.

interface GraphQLError {
  message: string;
  extensions?: { code?: string };
}

/** An error of the API, with the code of its first error. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

export interface Response<T> {
  data: T;
  etag: string | null;
}

export class Api {
  constructor(readonly url: string) {}

  /**
   * The result of a query, or null if it still is the one with the `etag` (status 304). Raises ApiError for errors of the
   * API, TypeError if the server is not reached.
   */
  async query<T>(document: string, variables: object, etag: string | null = null): Promise<Response<T> | null> {
    const hash = await sha256(document);
    const response = await this.get({ variables, hash }, etag);
    if (response.status === 304) return null;
    try {
      return await result<T>(response);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "PERSISTED_QUERY_NOT_FOUND")) throw error;
      return result<T>(await this.get({ variables, hash, query: document }, null)); // the server remembers it from now on
    }
  }

  private get(request: { variables: object; hash: string; query?: string }, etag: string | null) {
    const url = new URL(this.url);
    if (request.query) url.searchParams.set("query", request.query);
    url.searchParams.set("variables", JSON.stringify(request.variables));
    url.searchParams.set(
      "extensions",
      JSON.stringify({ persistedQuery: { version: 1, sha256Hash: request.hash } }),
    );
    const headers: Record<string, string> = { accept: "application/graphql-response+json, application/json" };
    if (etag) headers["if-none-match"] = etag;
    return fetch(url, { headers });
  }
}

async function result<T>(response: globalThis.Response): Promise<Response<T>> {
  if (!response.headers.get("content-type")?.includes("json")) {
    throw new ApiError(`The server answered with status ${response.status}.`, "NOT_GRAPHQL");
  }
  const { data, errors } = (await response.json()) as { data?: T | null; errors?: GraphQLError[] };
  const error = errors?.[0];
  if (error) throw new ApiError(error.message, error.extensions?.code ?? "UNKNOWN");
  return { data: data as T, etag: response.headers.get("etag") };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
