// The blocks of docs/client-typescript.md: they compile, and do what the page says.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { patience, Server } from './server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const tools = createRequire(`${root}clients/typescript/package.json`); // its compiler and its esbuild

test('the block of the README', patience, async (t) => {
  const [, block] = /^```js\n([^]*?)^```$/m.exec(await readFile(`${root}README.md`, 'utf8'));
  const server = await Server.start(t, { closed: false });
  await server.set('payments/timeout', '45s');
  const program = `${block.replace('http://127.0.0.1:4000', server.url)}\nawait configs.close();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: `${root}test/clients`, timeout: 60_000 });
  assert.equal(stdout, '45000\n');
});

test('the blocks of docs/client-typescript.md', patience, async (t) => {
  const page = await readFile(`${root}docs/client-typescript.md`, 'utf8');
  const blocks = (kind) => [...page.matchAll(/^```ts(.*)\n([^]*?)^```$/gm)].filter(([, found]) => found.trim() === kind).map(([, , block]) => block);
  assert.ok(blocks('').length >= 7 && blocks('graphql').length === 1 && blocks('urql').length === 1);

  const server = await Server.start(t);
  const folder = `${root}test/clients/node_modules/.docs`; // from which the clients are found
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(`${folder}/app.token`, `${server.token ?? ''}\n`);
  for (const [name, value] of [['payments/retries', '2'], ['payments/limits', '{"perDay":7}'], ['base/threads', '8'], ['prod/threads', '16']]) {
    await server.set(name, value);
  }
  const token = `const token = ${JSON.stringify(server.token)} as string | undefined;\n`;
  const program = `import { readFile } from 'node:fs/promises';\n${token}${blocks('').join('')}`;
  const graphql = `${token}import { WebSocket } from 'ws';\n${[...blocks('graphql'), ...blocks('urql')].join('')}
    unsubscribe();
    await client.dispose();
    console.log(typeof exchange);\n`;
  await writeFile(`${folder}/ws.d.ts`, "declare module 'ws' { export const WebSocket: unknown }");
  await writeFile(`${folder}/program.ts`, program.replaceAll('https://config.example', server.url));
  await writeFile(`${folder}/graphql.ts`, graphql.replaceAll('https://config.example', server.url));

  await run(process.execPath, [tools.resolve('typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--lib', 'es2022,dom', '--module', 'esnext',
    '--moduleResolution', 'bundler', '--typeRoots', `${root}clients/typescript/node_modules/@types`, '--types', 'node', `${folder}/ws.d.ts`, `${folder}/program.ts`, `${folder}/graphql.ts`])
    .catch(({ stdout }) => assert.fail(stdout));
  const output = async (name) => {
    const { code } = await tools('esbuild').transform(await readFile(`${folder}/${name}.ts`, 'utf8'), { loader: 'ts', format: 'esm' });
    await writeFile(`${folder}/${name}.mjs`, code);
    return (await run(process.execPath, [`${folder}/${name}.mjs`], { cwd: folder, timeout: 60_000 })).stdout;
  };

  const [head] = (await server.head()).split('-');
  const lines = (await output('program')).trim().split('\n');
  assert.deepEqual(lines.slice(0, 3), ['2 30000 7', 'payments/limits {"perDay":7} 1', 'payments/retries 2 1']);
  assert.match(lines[3], new RegExp(`^${head}-\\w+ \\S+Z$`));
  assert.deepEqual(lines.slice(4), ['retries: 2, now 5', "[ 'payments/retries', 'payments/timeout' ]", '16 prod', 'up to date']);
  assert.match(await readFile(`${folder}/configs.json`, 'utf8'), /"payments\/retries","value":"5"/);
  assert.equal(await output('graphql'), 'function\n');
});
