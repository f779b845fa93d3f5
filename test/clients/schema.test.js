// The published schema, as the tools of its users see it. Each tool also gets a schema with a
// fault, to show that it would say so.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const schema = await readFile(join(here, '../../schema.graphql'), 'utf8');

test('graphql-eslint has nothing to say', async (t) => {
  const lint = (text) => inFolder(t, { 'schema.graphql': text }, 'eslint', '--config', join(here, 'eslint.config.js'), 'schema.graphql');
  await lint(schema);
  await assert.rejects(lint(replaced('    input: SetConfigInput!\n', '    with: SetConfigInput!\n')), { stdout: /input-name/ });
  await assert.rejects(lint(replaced('  """Its value."""\n', '')), { stdout: /require-description/ });
});

test('nothing that a client of the last release uses is gone or different', async (t) => {
  const released = await readFile(join(here, 'released.graphql'), 'utf8');
  const diff = (text) => inFolder(t, { 'old.graphql': released, 'new.graphql': text }, 'graphql-inspector', 'diff', 'old.graphql', 'new.graphql');
  await diff(schema);
  await assert.rejects(diff(replaced('  totalCount: Int!\n', '  total: Int!\n')), { stdout: /totalCount was removed/ });
  await assert.rejects(diff(replaced('  history(\n', '  history(\n    until: Position!\n')), { stdout: /until/ });
});

test('relay-compiler makes pages, refetching and mutations of it', async (t) => {
  const compile = async (text) => {
    const folder = await temporary(t);
    await cp(join(here, 'relay'), folder, { recursive: true });
    await mkdir(join(folder, '__generated__'));
    await writeFile(join(folder, 'schema.graphql'), text);
    await run(folder, 'relay-compiler');
    return (name) => readFile(join(folder, '__generated__', `${name}.graphql.ts`), 'utf8');
  };
  const artifact = await compile(schema);
  assert.match(await artifact('configRefetchQuery'), /node\(id: \$id\)/);
  assert.match(await artifact('configHistoryNextPageQuery'), /history\(first: \$count, after: \$cursor\)/);
  assert.match(await artifact('list_configs'), /"connection": \[/);
  await assert.rejects(compile(replaced('type Config implements Node {', 'type Config {')), { stderr: /@refetchable/ });
});

/** The schema with a fault. */
function replaced(text, by) {
  assert.ok(schema.includes(text), `the schema has no ${text} any more`);
  return schema.replace(text, by);
}

/** Runs a tool in a new folder with some files. */
async function inFolder(t, files, tool, ...args) {
  const folder = await temporary(t);
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  await run(folder, tool, ...args);
}

async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), 'configapi-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function run(folder, tool, ...args) {
  return promisify(execFile)(join(here, 'node_modules/.bin', tool), args, { cwd: folder });
}
