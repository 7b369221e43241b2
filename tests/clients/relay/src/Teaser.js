import { graphql } from "relay-runtime";

export const teaser = graphql`
  fragment Teaser_article on Article @refetchable(queryName: "TeaserAgainQuery") {
    headline
    publishedAt
    leadMedia {
      url
      alt
    }
    attributions {
      kind
      source {
        name
      }
    }
  }
`;
