import { useQuery } from "urql";
import { Link } from "wouter";
import { Loaded, useTitle } from "../components/Page";
import { Teaser } from "../components/Teaser";
import { graphql } from "../gql";

const HOME = graphql(`
  query Home {
    latestNews(first: 5) {
      nodes {
        ...Teaser
      }
    }
    categories(filter: { parent: { isNull: true }, hidden: { eq: false } }, orderBy: [POSITION_ASC]) {
      nodes {
        id
        name
        path
        articles(first: 3) {
          nodes {
            ...Teaser
          }
        }
      }
    }
  }
`);

export function Home() {
  const [result] = useQuery({ query: HOME });
  useTitle(undefined);
  return (
    <Loaded result={result}>
      {({ latestNews, categories }) => (
        <>
          <section aria-labelledby="latest">
            <h1 id="latest">Latest news</h1>
            {latestNews.nodes.map((article) => <Teaser key={article.id} article={article} level={2} />)}
          </section>
          <div className="sections">
            {categories.nodes.map(({ id, name, path, articles }) => (
              <section key={id} aria-labelledby={id}>
                <h2 id={id}><Link href={`/section/${path}`}>{name}</Link></h2>
                {articles.nodes.map((article) => <Teaser key={article.id} article={article} />)}
              </section>
            ))}
          </div>
        </>
      )}
    </Loaded>
  );
}
