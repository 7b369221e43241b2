// Pictures of stored bundles, in the browser's Cache Storage. The service worker answers requests from it.

import { pictureUrls } from "./bundle.js";
import type { Bundle } from "./operations.js";
import type { Store } from "./store.js";

const CACHE = "pictures";

/**
 * Stores the pictures of a bundle that are not stored. One that cannot be loaded is tried again next time. The media
 * server has to allow requests of other origins.
 */
export async function storePictures(bundle: Bundle): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const url of pictureUrls(bundle)) {
    if (!(await cache.match(url))) await cache.add(url).catch(() => undefined);
  }
}

/** Removes the pictures that no stored bundle shows. */
export async function removeUnusedPictures(store: Store): Promise<void> {
  const used = new Set<string>();
  for (const { id } of await store.articles()) {
    const stored = await store.bundle(id);
    for (const url of stored ? pictureUrls(stored.bundle) : []) used.add(url);
  }
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    if (!used.has(request.url)) await cache.delete(request);
  }
}
