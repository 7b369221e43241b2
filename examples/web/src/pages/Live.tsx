import { useSubscription } from "urql";
import { Loaded, useTitle } from "../components/Page";
import { Teaser } from "../components/Teaser";
import { graphql } from "../gql";

const LIVE = graphql(`
  subscription Live {
    latestNews(first: 10) {
      nodes {
        ...Teaser
      }
    }
  }
`);

/** Every result of the subscription is the whole list, as it is now. */
export function Live() {
  const [result] = useSubscription({ query: LIVE });
  useTitle("Live");
  return (
    <>
      <h1>Live</h1>
      <Loaded result={result}>
        {({ latestNews }) => (
          <div role="feed" aria-label="Latest news">
            {latestNews.nodes.map((article) => <Teaser key={article.id} article={article} level={2} />)}
          </div>
        )}
      </Loaded>
    </>
  );
}
