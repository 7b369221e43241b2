// A store in one file, for Node.js. One process writes it at a time.

import { open, readFile, rename } from "node:fs/promises";
import { type Content, MemoryStore } from "./store.js";

export class FileStore extends MemoryStore {
  private constructor(private readonly path: string) {
    super();
  }

  static async open(path: string): Promise<FileStore> {
    const store = new FileStore(path);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (text !== null) store.content = JSON.parse(text) as Content;
    return store;
  }

  /** Writes a new file and renames it: after a crash the file has the old content or the new one. */
  protected override async write(content: Content): Promise<void> {
    const file = await open(`${this.path}.new`, "w");
    try {
      await file.writeFile(JSON.stringify(content));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.path}.new`, this.path);
    await super.write(content);
  }
}
