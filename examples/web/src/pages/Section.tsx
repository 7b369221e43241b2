import { useState } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { Loaded, useTitle } from "../components/Page";
import { Teaser } from "../components/Teaser";
import { graphql } from "../gql";

const SECTION = graphql(`
  query Section($path: String!) {
    category(path: $path) {
      id
      name
      description
      children {
        id
        name
        path
      }
    }
  }
`);

const SECTION_PAGE = graphql(`
  query SectionPage($path: String!, $after: String) {
    latestNews(section: $path, first: 5, after: $after) {
      nodes {
        ...Teaser
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export function Section({ path }: { path: string }) {
  const [result] = useQuery({ query: SECTION, variables: { path } });
  // One entry for each page that is shown: the cursor after which it begins.
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  useTitle(result.data?.category?.name);
  return (
    <Loaded result={result}>
      {({ category }) =>
        category ? (
          <>
            <h1>{category.name}</h1>
            {category.description && <p>{category.description}</p>}
            {category.children.length > 0 && (
              <nav aria-label="Subsections">
                {category.children.map(({ id, name, path }) => <Link key={id} href={`/section/${path}`}>{name}</Link>)}
              </nav>
            )}
            {cursors.map((after, index) => (
              <SectionPage
                key={after ?? "first"}
                path={path}
                after={after}
                onMore={index === cursors.length - 1 ? (next) => setCursors([...cursors, next]) : undefined}
              />
            ))}
          </>
        ) : (
          <h1>This section does not exist</h1>
        )
      }
    </Loaded>
  );
}

type PageProps = { path: string; after: string | null; onMore: ((cursor: string) => void) | undefined };

function SectionPage({ path, after, onMore }: PageProps) {
  const [result] = useQuery({ query: SECTION_PAGE, variables: { path, after } });
  return (
    <Loaded result={result}>
      {({ latestNews: { nodes, pageInfo } }) => (
        <>
          {nodes.map((article) => <Teaser key={article.id} article={article} level={2} />)}
          {onMore && pageInfo.hasNextPage && pageInfo.endCursor && (
            <button type="button" onClick={() => onMore(pageInfo.endCursor!)}>More articles</button>
          )}
        </>
      )}
    </Loaded>
  );
}
