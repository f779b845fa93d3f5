// The licence texts of all that is in the vendored files: of the packages themselves, of the packages that GraphiQL's
// bundle contains (its source map names them), and of the fonts in its style sheet.

import { existsSync, readFileSync, readdirSync } from 'node:fs';

const shipped = ['graphiql', 'react', 'react-dom', 'graphql-ws'];
const fonts = ['@fontsource/fira-code', '@fontsource/roboto'];
const siblings = ['@graphiql/plugin-doc-explorer', '@graphiql/plugin-history', '@graphiql/react', '@graphiql/toolkit',
  'codemirror-graphql', 'graphql-language-service'];

/** One text: each distinct licence once, headed by the packages under it. */
export function licenses(modules) {
  const packages = new Set([...shipped, ...siblings, ...bundled(modules), ...fonts]);
  const byText = new Map(); // :: licence text → names of packages
  for (const name of packages) {
    const text = licenseOf(modules, name);
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(', ')}\n\n${text}\n`);
  return 'The playground contains these packages of others, under these licences.\n\n'
    + parts.join(`\n${'-'.repeat(80)}\n\n`);
}

function bundled(modules) {
  const map = JSON.parse(readFileSync(new URL('graphiql/graphiql.min.js.map', modules), 'utf8'));
  const names = new Set();
  for (const source of map.sources) {
    const path = source.split('node_modules/');
    if (path.length > 1) {
      names.add(path.at(-1).match(/^(@[^/]+\/)?[^/]+/)[0]);
    }
  }
  return [...names].sort();
}

// A few packages only declare their licence. The text of one that declares MIT is then the declaration itself.
function licenseOf(modules, name) {
  const folder = new URL(`${name}/`, modules);
  const manifest = new URL('package.json', folder);
  if (!existsSync(manifest)) {
    throw new Error(`${name} is in GraphiQL's bundle but not installed: add it to package.json for its licence`);
  }
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file) {
    return readFileSync(new URL(file, folder), 'utf8').replaceAll('\r\n', '\n').trim();
  }
  const { license, author, repository } = JSON.parse(readFileSync(manifest, 'utf8'));
  const by = author?.name ?? author ?? 'its contributors';
  return `Declares the licence ${license} in its package.json. By ${by}, ${repository?.url ?? repository}.`;
}
