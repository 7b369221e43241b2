import { graphql } from "relay-runtime";

export const latest = graphql`
  fragment Latest_query on Query
  @refetchable(queryName: "LatestNextQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 3 }, cursor: { type: "String" }) {
    latestNews(first: $count, after: $cursor) @connection(key: "Latest_latestNews") {
      edges {
        node {
          ...Teaser_article
        }
      }
    }
  }
`;
