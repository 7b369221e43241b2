// The service worker: the page and its files from the network, without a connection from the cache; stored pictures from
// the cache.

const worker = self as unknown as ServiceWorkerGlobalScope;

const SHELL = [
  "./",
  "style.css",
  "api.js",
  "app.js",
  "bundle.js",
  "indexed-db-store.js",
  "operations.js",
  "pictures.js",
  "store.js",
  "sync.js",
  "view.js",
];

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open("shell").then((cache) => cache.addAll(SHELL)));
  void worker.skipWaiting();
});

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.destination === "image") event.respondWith(picture(request));
  else if (new URL(request.url).origin === worker.location.origin) event.respondWith(file(request));
});

async function picture(request: Request): Promise<Response> {
  const pictures = await caches.open("pictures");
  return (await pictures.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

async function file(request: Request): Promise<Response> {
  const shell = await caches.open("shell");
  try {
    const response = await fetch(request);
    if (response.ok) await shell.put(request, response.clone());
    return response;
  } catch (error) {
    const stored = await shell.match(request, { ignoreSearch: true });
    if (stored) return stored;
    throw error;
  }
}
