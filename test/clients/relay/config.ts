import { graphql } from 'relay-runtime';

// A Node, fetched again by its id.
export const config = graphql`
  fragment config_config on Config @refetchable(queryName: "configRefetchQuery") {
    name
    value
    version
    revision {
      operation
      committedAt
    }
  }
`;

// A connection on a Node.
export const history = graphql`
  fragment config_history on Config
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "configHistoryNextPageQuery") {
    history(first: $count, after: $cursor) @connection(key: "config_history") {
      edges {
        node {
          operation
          value
          actor
        }
      }
    }
  }
`;

export const set = graphql`
  mutation configSetMutation($input: SetConfigInput!) {
    setConfig(input: $input) {
      ... on ConfigChanged {
        config {
          ...config_config
          ...config_history
        }
        position
      }
      ... on UserError {
        code
        message
      }
    }
  }
`;

export const changes = graphql`
  subscription configChangesSubscription($after: Position) {
    configChanges(after: $after) {
      changes {
        name
        value
      }
      position
    }
  }
`;
