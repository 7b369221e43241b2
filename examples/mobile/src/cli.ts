// The same client without a page: node dist/cli.js <API> <file> [sync <pages> | list | open <id>]

import { Api } from "./api.js";
import { downloadBundle } from "./bundle.js";
import { FileStore } from "./file-store.js";
import { readableBundle } from "./store.js";
import { sync } from "./sync.js";

const [url = "http://127.0.0.1:8000/graphql", path = "news.json", command = "sync", argument] = process.argv.slice(2);
const api = new Api(url);
const store = await FileStore.open(path);

async function run(): Promise<unknown> {
  switch (command) {
    case "sync":
      return sync(api, store, { first: 10, ...(argument ? { maxPages: Number(argument) } : {}) });
    case "download":
      return downloadBundle(api, store, argument ?? "");
    case "open":
      return (await readableBundle(store, argument ?? "")) ?? null;
    case "list":
      return (await store.articles()).map(({ id, headline }) => ({ id, headline }));
    default:
      throw new Error(`Unknown command: ${command}. Use sync, download, open or list.`);
  }
}

console.log(JSON.stringify(await run()));
