// The DOM of articles and lists. Text of the API is set as text, never as HTML.

import type { Attribution, Block, Bundle, Run } from "./operations.js";
import type { StoredArticle } from "./store.js";

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const result = Object.assign(document.createElement(name), properties);
  result.append(...children);
  return result;
}

export function listItem(article: StoredArticle, offline: boolean): HTMLElement {
  const link = element("a", { href: `#${article.id}` }, article.headline);
  const time = element("time", { dateTime: article.publishedAt }, article.publishedAt.slice(0, 10));
  const note = offline ? " · can be read offline" : "";
  return element("li", { lang: article.language }, link, element("p", {}, time, note));
}

export function articleView(bundle: Bundle): HTMLElement {
  const { article } = bundle;
  const lead = article.leadMedia && figure(bundle, article.leadMedia.id, null);
  const back = element("a", { href: "#" }, "All articles");
  const sources = new Map(bundle.sources.map(({ id, name }) => [id, name]));
  return element(
    "article",
    { lang: article.language },
    element("p", {}, back),
    element("h2", {}, article.headline),
    element("p", {}, [article.byline, article.publishedAt.slice(0, 10)].filter(Boolean).join(" · ")),
    ...(lead ? [lead] : []),
    ...article.body.blocks.flatMap((block) => blockView(bundle, block) ?? []),
    ...(article.attributions.length ? [element("h3", {}, "Sources")] : []),
    element("ul", {}, ...article.attributions.map((attribution) => attributionView(attribution, sources))),
  );
}

function blockView(bundle: Bundle, block: Block): HTMLElement | null {
  switch (block.__typename) {
    case "ParagraphBlock":
      return element("p", {}, ...(block.runs ?? []).map(runView));
    case "HeadingBlock":
      return element("h3", {}, block.text ?? "");
    case "ImageBlock":
      return block.media ? figure(bundle, block.media.id, block.caption ?? null) : null;
    default: // a type that this version of the app does not know
      return block.fallbackText ? element("p", { className: "fallback" }, block.fallbackText) : null;
  }
}

function runView({ text, marks, href }: Run): Node | string {
  if (href) return element("a", { href }, text);
  if (marks.includes("STRONG")) return element("strong", {}, text);
  return marks.includes("EM") ? element("em", {}, text) : text;
}

function figure(bundle: Bundle, id: string, caption: string | null): HTMLElement | null {
  const found = bundle.media.find(({ media }) => media.id === id);
  const file = found?.renditions[0];
  if (found?.media.kind !== "IMAGE" || !file) return null;
  const { alt, credit } = found.media;
  const image = element("img", { src: file.url, alt: alt ?? "", width: file.width ?? 750, height: file.height ?? 500 });
  return element("figure", {}, image, element("figcaption", {}, [caption, credit].filter(Boolean).join(" ")));
}

const PHRASES: Record<string, string> = {
  ACCORDING_TO: "according to",
  REPORTED_BY: "reported by",
  CITING: "citing",
  RELEASED_BY: "released by",
  SAID: "said by",
  TOLD: "told by",
  QUOTED: "quoting",
  DENIED: "denied by",
  SEEN_BY: "seen by",
};

/** "Claim – according to Sky News, citing South Korean intelligence": the chain begins with the origin. */
function attributionView({ claim, quote, chain }: Attribution, sources: Map<string, string>): HTMLElement {
  const hops = chain.toReversed().map(({ kind, source }) => {
    return `${PHRASES[kind] ?? "from"} ${(source && sources.get(source.id)) ?? "an unnamed source"}`;
  });
  const texts = [...(claim ? [claim] : []), ...(quote ? [element("q", {}, quote)] : [])];
  return element("li", {}, ...texts.flatMap((text) => [text, " – "]), hops.join(", "));
}
