import { graphql } from "relay-runtime";

export const thing = graphql`
  query ThingQuery($id: ID!) {
    node(id: $id) {
      __typename
      ... on Article {
        headline
        body {
          blocks {
            __typename
            ... on ParagraphBlock {
              text
            }
          }
        }
      }
      ... on Source {
        name
      }
    }
  }
`;
