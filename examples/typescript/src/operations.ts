// The operations of graphql.ts. `npm run generate` checks them against the schema and writes their types to src/gql.

import { graphql } from './gql/index.js';

/** How a config came to be what it is. */
export const History = graphql(`
  query History($name: ConfigName!) {
    config(name: $name) {
      history(first: 50) {
        nodes {
          version
          operation
          value
          reason
        }
      }
    }
  }
`);

/** Every change after a position. The variable `after` is what moves on after a reconnect. */
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
