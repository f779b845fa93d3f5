import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TextStorage } from './types.js';

/** The longest file that is read, in bytes. */
const maxBytes = 512 << 20;

/** A file that keeps one text. Whatever happens while it is written, it has the old text or the new one. */
export class FileStorage implements TextStorage {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async getItem(): Promise<string | undefined> {
    try {
      if ((await stat(this.#path)).size > maxBytes) {
        throw new Error(`${this.#path} is too large`);
      }
      return await readFile(this.#path, 'utf8');
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined;
      }
      throw reason;
    }
  }

  async setItem(_key: string, text: string): Promise<void> {
    const beside = `${this.#path}.${process.pid}.tmp`;
    await rm(beside, { force: true });
    try {
      await write(beside, text);
      await rename(beside, this.#path);
    } catch (reason) {
      await rm(beside, { force: true });
      throw reason;
    }
    await forceFolder(dirname(this.#path));
  }
}

/** Writes a new file for its owner alone, and forces it to the disk. */
async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Forces the name of a new file to the disk, where the system can do that to a folder. */
async function forceFolder(path: string): Promise<void> {
  if (process.platform === 'win32') {
    return;
  }
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
