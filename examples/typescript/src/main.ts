// A small client of ConfigApi. `node dist/main.js` says what it can do.

import { execute } from './api.js';
import { events } from './events.js';
import { Delete, Set } from './operations.js';
import { refusalOf } from './token.js';
import { list, watch } from './watch.js';

const url = process.env.CONFIGAPI_URL ?? 'http://127.0.0.1:4000';

const usage = `list [PREFIX]      prints all configs, or those below PREFIX
set NAME VALUE     gives a config a value
delete NAME        deletes a config
watch [PREFIX]     prints all configs, then every change, for ever
events [PREFIX]    prints every change from now on, as REST sends them

CONFIGAPI_URL is where the server is: ${url}
CONFIGAPI_TOKEN_FILE names a file with the token, which is read for each connection; no token when unset`;

/** Prints where a change stands, or says why there was none. */
function report(result: { __typename: 'ConfigChanged'; position: string } | { __typename: string; message: string } | null | undefined): void {
  if (result && 'position' in result) {
    console.log(result.position);
  } else {
    throw new Error(result?.message ?? 'the server gave no result');
  }
}

function explain(reason: unknown): string {
  if (reason instanceof Error) {
    return reason.message;
  }
  return refusalOf(reason) ? 'the server does not take the token any more' : JSON.stringify(reason);
}

const [command, name, value] = process.argv.slice(2);
try {
  if (command === 'list') {
    await list(url, name, (found, its) => console.log(`${found} = ${its}`));
  } else if (command === 'watch') {
    await watch(url, name, console.log);
  } else if (command === 'events') {
    for await (const { changes } of events(url, { prefix: name })) {
      changes.forEach((change) => console.log(JSON.stringify(change)));
    }
  } else if (command === 'set' && name !== undefined && value !== undefined) {
    report((await execute(url, Set, { input: { name, value } })).setConfig);
  } else if (command === 'delete' && name !== undefined) {
    report((await execute(url, Delete, { input: { name } })).deleteConfig);
  } else {
    throw new Error(usage);
  }
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
