// What the app stores, and what a store has to guarantee: a page of changes is stored together with its token, or not at
// all. A process that ends at any point therefore goes on with the page that it has not stored.

import { type Article, type Bundle, BUNDLE_SCHEMA_VERSION } from "./operations.js";

/** Where the app is in the changes of the server. */
export interface Position {
  /** Token of the next page; null before the first one. */
  token: string | null;
  /** `ETag` of the last poll with this token; null if there was none. */
  etag: string | null;
  /** Number of the present listing: one more after each `resyncRequired`. */
  round: number;
  /** True from `resyncRequired` until everything has been sent again. */
  healing: boolean;
}

export const START: Position = { token: null, etag: null, round: 0, healing: false };

export interface StoredArticle extends Article {
  /** The round in which the article was last sent. */
  round: number;
}

export interface StoredBundle {
  id: string;
  bundle: Bundle;
  /** True if the article has changed since the bundle was downloaded. */
  stale: boolean;
}

/** A page of changes as it is stored. */
export interface Update {
  /** The token with which the page was requested. */
  since: string | null;
  position: Position;
  upserts: Article[];
  removals: string[];
  /** Whether articles of earlier rounds are removed: the server has sent everything again. */
  sweep: boolean;
}

export interface Store {
  position(): Promise<Position>;
  /**
   * Stores articles, removals and position in one transaction, marks the bundles of changed articles as stale and removes
   * those of removed ones. Returns the removed articles; null, with nothing stored, if the position is no longer that of
   * the request because another page or process was faster.
   */
  apply(update: Update): Promise<StoredArticle[] | null>;
  /** All articles, the newest first. */
  articles(): Promise<StoredArticle[]>;
  bundle(id: string): Promise<StoredBundle | undefined>;
  /** Stores a bundle, unless its article has been removed meanwhile. */
  saveBundle(bundle: Bundle): Promise<void>;
}

/** The content of a store, for those that keep it in memory. */
export interface Content {
  position: Position;
  articles: Record<string, StoredArticle>;
  bundles: Record<string, StoredBundle>;
}

export const EMPTY: Content = { position: START, articles: {}, bundles: {} };

/** The content after an update and the removed articles; null if the update does not follow the position. */
export function updated(content: Content, update: Update): { content: Content; removed: StoredArticle[] } | null {
  if (content.position.token !== update.since) return null;
  const articles = { ...content.articles };
  const bundles = { ...content.bundles };
  for (const article of update.upserts) {
    articles[article.id] = { ...article, round: update.position.round };
    const stored = bundles[article.id];
    if (stored) bundles[article.id] = { ...stored, stale: true };
  }
  const swept = update.sweep ? Object.values(articles).filter(({ round }) => round < update.position.round) : [];
  const removed = [...update.removals, ...swept.map(({ id }) => id)].flatMap((id) => articles[id] ?? []);
  for (const { id } of removed) {
    delete articles[id];
    delete bundles[id];
  }
  return { content: { position: update.position, articles, bundles }, removed };
}

export function newestFirst(articles: StoredArticle[]): StoredArticle[] {
  return articles.toSorted((a, b) => b.publishedAt.localeCompare(a.publishedAt) || (a.id < b.id ? 1 : -1));
}

/** Whether something with this end may still be shown. */
export function isCurrent({ expiresAt }: { expiresAt: string | null }, now = new Date()): boolean {
  return expiresAt === null || new Date(expiresAt) > now;
}

/** The bundle of an article if it can be shown offline. */
export async function readableBundle(store: Store, id: string): Promise<Bundle | undefined> {
  const stored = await store.bundle(id);
  const readable = stored?.bundle.schemaVersion === BUNDLE_SCHEMA_VERSION && isCurrent(stored.bundle);
  return readable ? stored.bundle : undefined;
}

/** A store that is gone with its process. */
export class MemoryStore implements Store {
  protected content: Content = EMPTY;

  async position(): Promise<Position> {
    return this.content.position;
  }

  async apply(update: Update): Promise<StoredArticle[] | null> {
    const result = updated(this.content, update);
    if (result === null) return null;
    await this.write(result.content);
    return result.removed;
  }

  async articles(): Promise<StoredArticle[]> {
    return newestFirst(Object.values(this.content.articles));
  }

  async bundle(id: string): Promise<StoredBundle | undefined> {
    return this.content.bundles[id];
  }

  async saveBundle(bundle: Bundle): Promise<void> {
    const { id } = bundle.article;
    if (!this.content.articles[id]) return;
    const bundles = { ...this.content.bundles, [id]: { id, bundle, stale: false } };
    await this.write({ ...this.content, bundles });
  }

  protected async write(content: Content): Promise<void> {
    this.content = content;
  }
}
