// Introspection, as the versions of graphql-js read it that tools are built on. Older ones refuse
// directives' locations that they do not know.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as graphql16Newest from 'graphql';
import * as graphql14 from 'graphql14';
import * as graphql15 from 'graphql15';
import * as graphql16 from 'graphql16';
import * as graphql17 from 'graphql17';
import { patience, Server } from './server.js';

const everything = { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };

test('graphql-js reads the schema', patience, async (t) => {
  const server = await Server.start(t);
  for (const graphql of [graphql14, graphql15, graphql16, graphql16Newest, graphql17]) {
    await t.test(graphql.version, async () => {
      // Version 15 asks for the name that specifiedByURL had in a draft.
      const all = graphql === graphql15 ? { ...everything, specifiedByUrl: false } : everything;
      for (const options of [undefined, all]) {
        const introspection = await introspect(server, graphql.getIntrospectionQuery(options));
        const sdl = read(graphql, introspection);
        for (const part of ['type Query', 'input: SetConfigInput!', 'input AsOfInput']) {
          assert.ok(sdl.includes(part), `the schema has no ${part}`);
        }
        const names = introspection.__schema.directives.map(({ name }) => name).sort();
        assert.deepEqual(names, ['deprecated', 'include', 'oneOf', 'skip', 'specifiedBy']);
      }
    });
  }
});

test('and would say so if it could not', patience, async (t) => {
  const server = await Server.start(t);
  const introspection = await introspect(server, graphql14.getIntrospectionQuery());
  introspection.__schema.directives.push({ name: 'new', description: null, args: [], locations: ['DIRECTIVE_DEFINITION'] });
  for (const graphql of [graphql14, graphql15, graphql16]) {
    assert.throws(() => read(graphql, structuredClone(introspection)), /DIRECTIVE_DEFINITION|directive location|Unexpected/);
  }
});

async function introspect(server, query) {
  const response = await fetch(new URL('/graphql', server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...server.authorization },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

/** Builds the schema as a tool does, prints it, and reads what it printed. */
function read(graphql, introspection) {
  const sdl = graphql.printSchema(graphql.buildClientSchema(introspection));
  assert.deepEqual(graphql.validateSchema(graphql.buildSchema(sdl)), []);
  return sdl;
}
