// The package as users get it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sizeOf } from '../size.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

test('the client adds less than 6 kB to a page, and nothing of Node.js', async () => {
  const { gzipped } = await sizeOf('index');
  assert.ok(gzipped < 6000, `${gzipped} bytes`);
  assert.ok((await sizeOf('graphql')).gzipped < 1200);
});

test('it has no dependency', async () => {
  const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  assert.deepEqual([dependencies, peerDependencies, optionalDependencies], [undefined, undefined, undefined]);
});

test('what npm packs is all that a user needs, with types, in Node.js and in browsers', { timeout: 120_000 }, async (t) => {
  const work = await mkdtemp(join(tmpdir(), 'configapi-package-'));
  t.after(() => rm(work, { recursive: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], { cwd: folder });
  const [{ filename, files }] = JSON.parse(stdout);
  assert.deepEqual(files.map(({ path }) => path).filter((path) => !/^dist\/\w+\.(js|d\.ts)$/.test(path)).sort(), ['README.md', 'package.json']);

  const installed = join(work, 'node_modules', '@configapi', 'client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(work, filename), '-C', installed, '--strip-components=1']);
  await writeFile(join(work, 'package.json'), '{"type":"module"}');
  await writeFile(join(work, 'use.ts'), `
    import { open, type Client, ConfigApiError, type Value } from '@configapi/client';
    import { live, liveSse, refusalOf } from '@configapi/client/graphql';
    const client: Client = await open({ url: new URL('http://127.0.0.1:1'), token: async () => undefined, layers: ['a', 'b'], file: 'x', maxStale: 1000, onError: (error: ConfigApiError) => error.code });
    const retries: Value<number> = client.int('a', 1, { min: 0 });
    const stop: () => void = retries.watch((present: number, before: number) => { present - before; });
    const limits: Value<{ a: number }> = client.json('limits', { a: 1 });
    await client.apply({ changes: [{ set: { name: 'a', value: '1' } }, { delete: { name: 'b' } }, { restore: { name: 'c' } }] });
    // @ts-expect-error a change is one of the three
    await client.apply({ changes: [{ put: { name: 'a' } }] });
    // @ts-expect-error the default has another type
    client.int('a', '1');
    const since: Date | undefined = client.stale();
    export { live, liveSse, refusalOf, stop, limits, since };
  `);
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const resolution of [['--module', 'nodenext'], ['--module', 'esnext', '--moduleResolution', 'bundler']]) {
    await run(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', ...resolution, join(work, 'use.ts')], { cwd: work })
      .catch(({ stdout: said }) => assert.fail(said));
  }
  const said = await run(process.execPath, ['--input-type=module', '--eval',
    "const all = [await import('@configapi/client'), await import('@configapi/client/graphql')]; console.log(all.map(Object.keys).join())"], { cwd: work });
  assert.equal(said.stdout, 'ConfigApiError,open,authorization,live,liveSse,refusalOf,resuming\n');
});
