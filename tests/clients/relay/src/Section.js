import { graphql } from "relay-runtime";

// Forward and backward: unused arguments are sent as null.
export const section = graphql`
  fragment Section_category on Category
  @refetchable(queryName: "SectionNextQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 2 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "ArticleFilter" }
  ) {
    name
    articles(first: $first, after: $after, last: $last, before: $before, filter: $filter)
      @connection(key: "Section_articles", filters: ["filter"]) {
      totalCount
      edges {
        node {
          ...Teaser_article
        }
      }
      pageInfo {
        hasPreviousPage
      }
    }
  }
`;
