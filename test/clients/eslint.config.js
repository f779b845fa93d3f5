// Rules for the published schema: the recommended rules of graphql-eslint, those for Relay, and a few
// others.
// Options stand only where the default asks for something that the schema means to do otherwise; the reason is beside them.

import graphql from '@graphql-eslint/eslint-plugin';

export default [{
  files: ['**/*.graphql'],
  plugins: { '@graphql-eslint': graphql },
  languageOptions: {
    parser: graphql.parser,
    parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
  },
  rules: {
    ...graphql.configs['flat/schema-recommended'].rules,
    ...graphql.configs['flat/schema-relay'].rules,
    // Every type, field, argument and value says what it is, not just types and root fields.
    '@graphql-eslint/require-description': ['error', {
      types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, DirectiveDefinition: true,
    }],
    // Only what can be fetched again is a Node with an id. These are parts of an answer, and two that look alike are not the same.
    '@graphql-eslint/strict-id-in-types': ['error', {
      exceptions: {
        types: [
          'PageInfo', 'ConfigSnapshot', 'HistoryBounds', 'ConfigDiff', 'ConfigDifference', 'ConfigChild',
          'ConfigChanged', 'ConfigsChanged', 'ChangesRejected', 'ConfigChangeBatch',
          'Grant', 'TokenSecret', 'TokenIssued', 'TokenChanged', 'Viewer',
        ],
        suffixes: ['Connection', 'Edge', 'Error'],
      },
    }],
    // Pages go forward only: earlier pages of a history do not change.
    '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
    // Beside its edges a connection has `nodes`, the same without cursors; and the path of an error is a list of texts.
    '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
    '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
    '@graphql-eslint/require-nullable-result-in-root': 'error',
    '@graphql-eslint/require-nullable-fields-with-oneof': 'error',
    '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
  },
}];
