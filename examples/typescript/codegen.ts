import { readFileSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';

// The schema is that of this folder's server, or what CONFIGAPI_URL shows to the token in CONFIGAPI_TOKEN_FILE: a server shows it to
// callers with a token, unless --introspection says otherwise.
const { CONFIGAPI_URL: url, CONFIGAPI_TOKEN_FILE: file } = process.env;
const headers = file ? { Authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {};

const config: CodegenConfig = {
  schema: url ? [{ [new URL('/graphql', url).href]: { headers } }] : '../../schema.graphql',
  documents: 'src/*.ts',
  ignoreNoDocuments: false,
  emitLegacyCommonJSImports: false,
  importExtension: '.js',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        // All of them are text, and an error code that is added later must not break a client.
        scalars: { ConfigName: 'string', DateTime: 'string', Position: 'string' },
      },
    },
  },
};

export default config;
