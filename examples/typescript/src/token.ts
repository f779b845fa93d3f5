import { readFile } from 'node:fs/promises';

/** The token in the file that CONFIGAPI_TOKEN_FILE names; undefined when it names none. */
export async function token(): Promise<string | undefined> {
  const file = process.env.CONFIGAPI_TOKEN_FILE;
  return file ? (await readFile(file, 'utf8')).trim() : undefined;
}
