// The operations of this client. `npm run generate` checks them against the schema and writes their types to src/gql.

import { graphql } from './gql/index.js';

/** A page of the present state, and the position that it is valid at. */
export const List = graphql(`
  query List($filter: ConfigFilterInput, $after: String) {
    configs(filter: $filter, first: 500, after: $after) {
      nodes {
        name
        value
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      position
    }
  }
`);

export const Set = graphql(`
  mutation Set($input: SetConfigInput!) {
    setConfig(input: $input) {
      __typename
      ... on ConfigChanged {
        position
      }
      ... on UserError {
        message
      }
    }
  }
`);

export const Delete = graphql(`
  mutation Delete($input: DeleteConfigInput!) {
    deleteConfig(input: $input) {
      __typename
      ... on ConfigChanged {
        position
      }
      ... on UserError {
        message
      }
    }
  }
`);

/** Every change after a position. What moves the position on after a reconnect is in resume.ts. */
export const Watch = graphql(`
  subscription Watch($filter: ConfigFilterInput, $after: Position) {
    configChanges(filter: $filter, after: $after) {
      changes {
        position
        operation
        name
        value
      }
      position
    }
  }
`);
