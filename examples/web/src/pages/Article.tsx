import { useQuery } from "urql";
import { Link } from "wouter";
import { Block } from "../components/Body";
import { Loaded, useTitle } from "../components/Page";
import { Figure } from "../components/Picture";
import { SourceChain } from "../components/SourceChain";
import { Teaser, Time } from "../components/Teaser";
import { graphql } from "../gql";

const ARTICLE = graphql(`
  query Article($id: ID!) {
    article(id: $id) {
      id
      language
      kicker
      headline
      byline
      publishedAt
      updatedAt
      category {
        id
        name
        path
      }
      leadMedia {
        caption
        ...Picture
      }
      body {
        blocks {
          ...Block
        }
      }
      attributions {
        ...Chain
      }
      corrections {
        id
        kind
        correctedAt
        text
      }
      related(first: 5) {
        nodes {
          ...Teaser
        }
      }
    }
  }
`);

export function Article({ id }: { id: string }) {
  const [result] = useQuery({ query: ARTICLE, variables: { id } });
  const article = result.data?.article;
  useTitle(article?.headline);
  return (
    <Loaded result={result}>
      {() =>
        article ? (
          <div className="columns">
            <article lang={article.language}>
              {article.category && (
                <p className="kicker"><Link href={`/section/${article.category.path}`}>{article.category.name}</Link></p>
              )}
              <h1>{article.headline}</h1>
              <p className="meta">
                {article.byline} {article.publishedAt && <Time value={article.publishedAt} />}
                {article.updatedAt && article.updatedAt !== article.publishedAt && (
                  <> (updated <Time value={article.updatedAt} />)</>
                )}
              </p>
              {article.leadMedia && <Figure media={article.leadMedia} caption={article.leadMedia.caption} />}
              {article.body.blocks.map((block) => <Block key={block.id} block={block} />)}
            </article>
            <aside>
              {article.corrections.length > 0 && (
                <section aria-labelledby="corrections">
                  <h2 id="corrections">Corrections</h2>
                  {article.corrections.map(({ id, correctedAt, text }) => (
                    <p key={id}><Time value={correctedAt} /> {text}</p>
                  ))}
                </section>
              )}
              {article.attributions.length > 0 && (
                <section aria-labelledby="sources">
                  <h2 id="sources">Sources of this article</h2>
                  <ul className="chains">
                    {article.attributions.map((attribution) => (
                      <SourceChain key={attribution.id} attribution={attribution} />
                    ))}
                  </ul>
                </section>
              )}
              {article.related.nodes.length > 0 && (
                <section aria-labelledby="related">
                  <h2 id="related">Related</h2>
                  {article.related.nodes.map((related) => <Teaser key={related.id} article={related} />)}
                </section>
              )}
            </aside>
          </div>
        ) : (
          <h1>This article is not available</h1>
        )
      }
    </Loaded>
  );
}
