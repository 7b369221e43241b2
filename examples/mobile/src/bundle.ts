// Bundles: articles with all that they show, to be read offline.

import type { Api } from "./api.js";
import { BUNDLE, type Bundle } from "./operations.js";
import { isCurrent, type Store } from "./store.js";

/** The URLs of the pictures of a bundle, in the size for the device. */
export function pictureUrls(bundle: Bundle): string[] {
  const pictures = bundle.media.filter(({ media }) => media.kind === "IMAGE");
  return pictures.flatMap(({ renditions }) => renditions.slice(0, 1).map(({ url }) => url));
}

/**
 * Downloads the bundle of an article if it is missing, stale or expired. Returns it if it was downloaded; null if there
 * was nothing to do or the article is no longer public.
 */
export async function downloadBundle(api: Api, store: Store, id: string): Promise<Bundle | null> {
  const stored = await store.bundle(id);
  if (stored && !stored.stale && isCurrent(stored.bundle)) return null;
  const response = await api.query<{ articleBundle: Bundle | null }>(BUNDLE, { id, device: "PHONE" });
  const bundle = response?.data.articleBundle ?? null;
  if (bundle) await store.saveBundle(bundle);
  return bundle;
}
