import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { useSearchParams } from "wouter";
import { Loaded, useTitle } from "../components/Page";
import { Teaser } from "../components/Teaser";
import { graphql } from "../gql";

const SEARCH = graphql(`
  query Search($text: String!) {
    articles(search: $text, first: 20) {
      totalCount
      nodes {
        ...Teaser
      }
    }
  }
`);

export function Search() {
  const [params, setParams] = useSearchParams();
  const text = (params.get("q") ?? "").trim();
  const [typed, setTyped] = useState(text);
  const [result] = useQuery({ query: SEARCH, variables: { text }, pause: text === "" });
  useTitle("Search");
  // The text that is typed is sent, and part of the URL, after a pause of 200 ms.
  useEffect(() => {
    const timer = setTimeout(() => setParams(typed ? { q: typed } : {}, { replace: true }), 200);
    return () => clearTimeout(timer);
  }, [typed, setParams]);
  return (
    <>
      <h1>Search</h1>
      <search>
        <label htmlFor="q">Words, “a phrase”, -without, this OR that, prefix*</label>
        <input
          id="q"
          type="search"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      </search>
      {text && (
        <Loaded result={result}>
          {({ articles: { totalCount, nodes } }) => (
            <>
              <p role="status">{totalCount === 1 ? "1 article" : `${totalCount} articles`}</p>
              {nodes.map((article) => <Teaser key={article.id} article={article} level={2} />)}
            </>
          )}
        </Loaded>
      )}
    </>
  );
}
