// Delta sync: asks for what has changed since the stored token, and stores page by page.

import { type Api, ApiError } from "./api.js";
import { type Article, type ChangePage, SYNC } from "./operations.js";
import type { Position, Store } from "./store.js";

export interface SyncOptions {
  /** A condition that the articles have to meet; always the same one for a store. */
  filter?: object | null;
  /** Changes per page. */
  first?: number;
  /** Stop after this number of pages; the next call goes on. */
  maxPages?: number;
}

export interface SyncReport {
  pages: number;
  upserted: number;
  removed: { id: string; headline: string; reason: string }[];
  /** True if the token could not be used any more and everything was requested again. */
  healed: boolean;
  /** False if there are more pages. */
  complete: boolean;
}

/** Brings the store up to date. Raises TypeError without a connection; what was stored until then stays. */
export async function sync(api: Api, store: Store, options: SyncOptions = {}): Promise<SyncReport> {
  const { filter = null, first = 50, maxPages = Number.POSITIVE_INFINITY } = options;
  const report: SyncReport = { pages: 0, upserted: 0, removed: [], healed: false, complete: false };
  while (!report.complete && report.pages < maxPages) {
    const position = await store.position();
    const answer = await request(api, position, { filter, first });
    report.pages += 1;
    if (answer === null) {
      report.complete = true; // 304: nothing has changed
    } else if (await storePage(store, position, answer, report)) {
      report.healed ||= answer.page.resyncRequired;
      report.complete = !answer.page.hasMore;
    }
  }
  return report;
}

type Answer = { page: Omit<ChangePage, "nextToken"> & { nextToken: string | null }; etag: string | null };

/** The next page, or null if nothing has changed. */
async function request(api: Api, { token, etag }: Position, variables: object): Promise<Answer | null> {
  try {
    const response = await api.query<{ changes: ChangePage }>(SYNC, { ...variables, since: token }, etag);
    return response && { page: response.data.changes, etag: response.etag };
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "INVALID_SYNC_TOKEN" && token !== null)) throw error;
    // A token of another server: heal as after `resyncRequired`, from the beginning.
    return { page: { changes: [], nextToken: null, hasMore: true, resyncRequired: true }, etag: null };
  }
}

/** Stores a page with its token; false if another process has stored one meanwhile. */
async function storePage(store: Store, before: Position, { page, etag }: Answer, report: SyncReport): Promise<boolean> {
  const healing = before.healing || page.resyncRequired;
  const upserts = new Map<string, Article>();
  const reasons = new Map<string, string>();
  for (const change of page.changes) {
    // Of several changes of an article in a page, the last one counts.
    upserts.delete(change.id);
    reasons.delete(change.id);
    if (change.__typename === "Upserted") upserts.set(change.id, change.article);
    else reasons.set(change.id, change.reason);
  }
  const removed = await store.apply({
    since: before.token,
    position: {
      token: page.nextToken,
      etag: page.nextToken === before.token ? etag : null, // the ETag of another URL is of no use
      round: before.round + (page.resyncRequired ? 1 : 0),
      healing: healing && page.hasMore,
    },
    upserts: [...upserts.values()],
    removals: [...reasons.keys()],
    sweep: healing && !page.hasMore,
  });
  if (removed === null) return false;
  report.upserted += upserts.size;
  report.removed.push(
    ...removed.map(({ id, headline }) => ({ id, headline, reason: reasons.get(id) ?? "NOT_SENT_AGAIN" })),
  );
  return true;
}
