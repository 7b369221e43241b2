import { Link } from "wouter";
import { graphql } from "../gql";
import type { TeaserFragment } from "../gql/graphql";
import { Picture } from "./Picture";

graphql(`
  fragment Teaser on Article {
    id
    headline
    kicker
    summary
    language
    publishedAt
    leadMedia {
      ...Picture
    }
  }
`);

export function Teaser({ article, level = 3 }: { article: TeaserFragment; level?: 2 | 3 }) {
  const Heading = `h${level}` as const;
  return (
    <article className="teaser" lang={article.language}>
      {article.leadMedia && <Picture media={article.leadMedia} sizes="8rem" />}
      <div>
        {article.kicker && <p className="kicker">{article.kicker}</p>}
        <Heading>
          <Link href={`/article/${article.id}`}>{article.headline}</Link>
        </Heading>
        {article.summary && <p>{article.summary}</p>}
        {article.publishedAt && <Time value={article.publishedAt} />}
      </div>
    </article>
  );
}

const FORMAT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export function Time({ value }: { value: string }) {
  return <time dateTime={value}>{FORMAT.format(new Date(value))}</time>;
}
