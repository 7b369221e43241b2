import { graphql } from "relay-runtime";

export const page = graphql`
  query FrontQuery($section: String!) {
    ...Latest_query
    category(path: $section) {
      id
      ...Section_category
    }
  }
`;
