// The page: lists the stored articles, opens their bundles, and brings the store up to date when there is a connection.

import { Api, ApiError } from "./api.js";
import { downloadBundle } from "./bundle.js";
import { IndexedDbStore } from "./indexed-db-store.js";
import { removeUnusedPictures, storePictures } from "./pictures.js";
import { isCurrent, readableBundle, type Store } from "./store.js";
import { sync, type SyncReport } from "./sync.js";
import { articleView, element, listItem } from "./view.js";

/** The newest articles, whose bundles are downloaded. */
const OFFLINE_ARTICLES = 20;

const { api: API_URL, pageSize } = document.documentElement.dataset;
const PAGE_SIZE = Number(pageSize);

const view = document.querySelector("main")!;
const status = document.querySelector<HTMLElement>("#status")!;
const removals = document.querySelector<HTMLElement>("#removals")!;
const button = document.querySelector<HTMLButtonElement>("#sync")!;

async function show(store: Store): Promise<void> {
  const id = location.hash.slice(1);
  const bundle = id ? await readableBundle(store, id) : undefined;
  if (bundle) {
    view.replaceChildren(articleView(bundle));
  } else if (id) {
    const back = element("a", { href: "#" }, "All articles");
    view.replaceChildren(element("p", {}, "This article is not stored. ", back));
  } else {
    const articles = (await store.articles()).filter((article) => isCurrent(article));
    const items = articles.map(async (article) =>
      listItem(article, (await readableBundle(store, article.id)) !== undefined),
    );
    view.replaceChildren(element("ul", { id: "articles" }, ...(await Promise.all(items))));
  }
}

async function download(api: Api, store: Store): Promise<void> {
  const articles = (await store.articles()).slice(0, OFFLINE_ARTICLES);
  for (const { id } of articles) {
    await downloadBundle(api, store, id);
    const bundle = await readableBundle(store, id);
    if (bundle) await storePictures(bundle);
  }
  await removeUnusedPictures(store);
}

function describe({ upserted, removed, healed }: SyncReport): string {
  const parts = [`${upserted} new or changed`, `${removed.length} removed`];
  return `Up to date: ${parts.join(", ")}${healed ? ", everything was compared" : ""}.`;
}

function showRemovals({ removed }: SyncReport): void {
  const items = removed.map(({ headline, reason }) => {
    const text = reason.toLowerCase().replaceAll("_", " ");
    return element("li", {}, `“${headline}” was removed: ${text}`);
  });
  removals.prepend(...items);
}

async function update(api: Api, store: Store): Promise<void> {
  button.disabled = true;
  status.textContent = "Updating …";
  const result = await synchronise(api, store);
  await show(store);
  status.textContent = result;
  button.disabled = false;
}

/** Updates articles, bundles and pictures; returns a sentence about it. */
async function synchronise(api: Api, store: Store): Promise<string> {
  try {
    const report = await sync(api, store, { first: PAGE_SIZE });
    showRemovals(report);
    await show(store);
    await download(api, store);
    return describe(report);
  } catch (error) {
    if (error instanceof ApiError) return `The server cannot answer: ${error.message}`;
    if (error instanceof TypeError) return "Offline: this is what was stored."; // fetch without a connection
    throw error;
  }
}

const api = new Api(API_URL!);
const store = await IndexedDbStore.open();
window.addEventListener("hashchange", () => void show(store));
window.addEventListener("online", () => void update(api, store));
button.addEventListener("click", () => void update(api, store));
await show(store);
await navigator.serviceWorker.register("worker.js");
await update(api, store);
