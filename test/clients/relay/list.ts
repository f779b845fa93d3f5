import { graphql } from 'relay-runtime';

export const query = graphql`
  query listQuery($filter: ConfigFilterInput) {
    ...list_configs @arguments(filter: $filter)
  }
`;

// A connection in the root, with pages loaded by the fragment itself.
export const configs = graphql`
  fragment list_configs on Query
  @argumentDefinitions(filter: { type: "ConfigFilterInput" }, count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "listNextPageQuery") {
    configs(filter: $filter, first: $count, after: $cursor) @connection(key: "list_configs") {
      edges {
        node {
          id
          ...config_config
        }
      }
      totalCount
      position
    }
  }
`;
