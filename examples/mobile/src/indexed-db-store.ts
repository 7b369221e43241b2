// A store in IndexedDB, for browsers. Several pages may use it at once.

import type { Bundle } from "./operations.js";
import { newestFirst, type Position, START, type Store, type StoredArticle, type StoredBundle, type Update } from "./store.js";

const STORES = ["articles", "bundles", "position"] as const;

export class IndexedDbStore implements Store {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(name = "news"): Promise<IndexedDbStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("articles", { keyPath: "id" });
      request.result.createObjectStore("bundles", { keyPath: "id" });
      request.result.createObjectStore("position");
    };
    return new IndexedDbStore(await done(request));
  }

  async position(): Promise<Position> {
    return readPosition(this.database.transaction("position"));
  }

  async apply(update: Update): Promise<StoredArticle[] | null> {
    const transaction = this.database.transaction(STORES, "readwrite");
    const articles = transaction.objectStore("articles");
    const bundles = transaction.objectStore("bundles");
    if ((await readPosition(transaction)).token !== update.since) return null;
    for (const article of update.upserts) {
      articles.put({ ...article, round: update.position.round } satisfies StoredArticle);
      const stored: StoredBundle | undefined = await done(bundles.get(article.id));
      if (stored) bundles.put({ ...stored, stale: true } satisfies StoredBundle);
    }
    const removals = new Set(update.removals);
    const all: StoredArticle[] = removals.size || update.sweep ? await done(articles.getAll()) : [];
    const removed = all.filter(({ id, round }) => removals.has(id) || (update.sweep && round < update.position.round));
    for (const { id } of removed) {
      articles.delete(id);
      bundles.delete(id);
    }
    transaction.objectStore("position").put(update.position, "position");
    await committed(transaction);
    return removed;
  }

  async articles(): Promise<StoredArticle[]> {
    return newestFirst(await done(this.database.transaction("articles").objectStore("articles").getAll()));
  }

  async bundle(id: string): Promise<StoredBundle | undefined> {
    return done(this.database.transaction("bundles").objectStore("bundles").get(id));
  }

  async saveBundle(bundle: Bundle): Promise<void> {
    const { id } = bundle.article;
    const transaction = this.database.transaction(["articles", "bundles"], "readwrite");
    if ((await done(transaction.objectStore("articles").getKey(id))) === undefined) return;
    transaction.objectStore("bundles").put({ id, bundle, stale: false } satisfies StoredBundle);
    await committed(transaction);
  }
}

async function readPosition(transaction: IDBTransaction): Promise<Position> {
  return (await done(transaction.objectStore("position").get("position"))) ?? START;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
