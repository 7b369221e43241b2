// A server of the page's files for development: node dist/serve.js <folder> <port>

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES: Record<string, string> = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript" };
const [folder = "site", port = "5174"] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const name = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
  try {
    const content = await readFile(join(folder, name));
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "text/plain", "cache-control": "no-cache" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});

server.listen(Number(port), "127.0.0.1", () => console.log(`http://localhost:${port}`));
