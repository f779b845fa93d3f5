// Prints how many bytes each entry point adds to a page: bundled, minified and compressed.

import { build } from 'esbuild';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** The size of an entry point: its file in dist, and what that imports; not what it loads for pages that keep configs. */
export async function sizeOf(entry) {
  const { outputFiles, metafile } = await build({
    metafile: true,
    entryPoints: [fileURLToPath(new URL(`dist/${entry}.js`, import.meta.url))],
    bundle: true,
    splitting: true,
    outdir: 'dist',
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [relative(process.cwd(), path), contents]));
  const loaded = new Set([Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint?.endsWith(`dist/${entry}.js`))]);
  for (const path of loaded) {
    metafile.outputs[path].imports.filter(({ kind }) => kind === 'import-statement').forEach((imported) => loaded.add(imported.path));
  }
  const sizes = [...loaded].map((path) => ({ minified: files.get(path).length, gzipped: gzipSync(files.get(path), { level: 9 }).length }));
  return sizes.reduce((a, b) => ({ minified: a.minified + b.minified, gzipped: a.gzipped + b.gzipped }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const entry of ['index', 'graphql']) {
    const { minified, gzipped } = await sizeOf(entry);
    console.log(`${entry}: ${minified} bytes minified, ${gzipped} gzipped`);
  }
}
