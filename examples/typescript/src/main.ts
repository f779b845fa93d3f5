// A small program on the client of ConfigApi. `node dist/main.js` says what it can do.

import { open, type Client, type ConfigApiError } from '@configapi/client';
import { token } from './token.js';

const url = process.env.CONFIGAPI_URL ?? 'http://127.0.0.1:4000';

const usage = `list [PREFIX]      prints all configs, or those below PREFIX
set NAME VALUE     gives a config a value
delete NAME        deletes a config
watch [PREFIX]     prints all configs, then every change, for ever

CONFIGAPI_URL is where the server is: ${url}
CONFIGAPI_TOKEN_FILE names a file with the token, which is read before each request; no token when unset
CONFIGAPI_FILE names a file that keeps the configs, in clear, for a start without the server; no file when unset`;

/** Prints the configs, then what changes. After a change of rights it prints what is gone and what has come. */
function watch(configs: Client, print: (line: string) => void): void {
  let before = new Map<string, string>();
  const differences = () => {
    const present = new Map(configs.snapshot().all().map(({ name, value }) => [name, value]));
    [...before.keys()].filter((name) => !present.has(name)).forEach((name) => print(`- ${name}`));
    present.forEach((value, name) => before.get(name) === value || print(`${name} = ${value}`));
    before = present;
  };
  differences();
  configs.watch((changes) => {
    if (!changes) { // all configs were read anew
      differences();
      return;
    }
    for (const { position, operation, name, value } of changes) {
      print(`${position} ${operation} ${name}${value === null ? '' : ` = ${value}`}`);
    }
    before = new Map(configs.snapshot().all().map(({ name, value }) => [name, value]));
  });
}

const [command, name, value] = process.argv.slice(2);
const opened = (prefix?: string) => open({
  url, token, prefix,
  file: process.env.CONFIGAPI_FILE,
  onError: ({ message }: ConfigApiError) => console.error(message),
});
try {
  if (command === 'list') {
    const configs = await opened(name);
    configs.snapshot().all().forEach((config) => console.log(`${config.name} = ${config.value}`));
    await configs.close();
  } else if (command === 'watch') {
    watch(await opened(name), console.log);
  } else if (command === 'set' && name !== undefined && value !== undefined) {
    const configs = await opened(name);
    console.log((await configs.apply({ changes: [{ set: { name, value } }] }).finally(() => configs.close())).position);
  } else if (command === 'delete' && name !== undefined) {
    const configs = await opened(name);
    console.log((await configs.apply({ changes: [{ delete: { name } }] }).finally(() => configs.close())).position);
  } else {
    throw new Error(usage);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
