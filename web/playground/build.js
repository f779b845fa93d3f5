// Writes the files of others that the playground serves, to internal/console/assets:
//
//   <name>.gz      the file of the npm package, byte for byte, compressed
//   SHA256SUMS     of the uncompressed files, in the format of sha256sum
//   LICENSES.txt   of all that is in them
//
// A compressor may change from one Node.js to the next, so a .gz file is left alone while its content is right.
// With --verify nothing is written, and the exit code is 1 when something would be.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { licenses } from './licenses.js';

const modules = new URL('./node_modules/', import.meta.url);
const assets = new URL('../../internal/console/assets/', import.meta.url);
const sources = [
  'graphiql/graphiql.min.css',
  'graphiql/graphiql.min.js',
  'graphql-ws/umd/graphql-ws.min.js',
  'react-dom/umd/react-dom.production.min.js',
  'react/umd/react.production.min.js',
];

const stale = [];
for (const source of sources) {
  const content = readFileSync(new URL(source, modules));
  update(`${basename(source)}.gz`, (old) => unpacks(old, content), () => compress(content));
}
const sums = sources.map((source) => `${sha256(readFileSync(new URL(source, modules)))}  ${basename(source)}\n`);
updateText('SHA256SUMS', sums.join(''));
updateText('LICENSES.txt', licenses(modules));

if (process.argv.includes('--verify') && stale.length > 0) {
  console.error(`not what the npm packages give: ${stale.join(', ')}; run npm run build in web/playground`);
  process.exit(1);
}

function updateText(name, text) {
  update(name, (old) => old.toString() === text, () => text);
}

function update(name, isCurrent, make) {
  const file = new URL(name, assets);
  if (existsSync(file) && isCurrent(readFileSync(file))) {
    return;
  }
  stale.push(name);
  if (!process.argv.includes('--verify')) {
    writeFileSync(file, make());
    console.log(`wrote ${name}`);
  }
}

function unpacks(zipped, content) {
  try {
    return gunzipSync(zipped).equals(content);
  } catch {
    return false; // damaged
  }
}

// zlib leaves time and name out of the header; the byte for the operating system is set to "unknown" as Go does.
function compress(content) {
  const zipped = gzipSync(content, { level: 9 });
  zipped[9] = 255;
  return zipped;
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}

function basename(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}
