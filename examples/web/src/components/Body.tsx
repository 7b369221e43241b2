import type { ReactNode } from "react";
import { graphql } from "../gql";
import type { BlockFragment, TextMark } from "../gql/graphql";
import { Figure } from "./Picture";

graphql(`
  fragment Run on TextRun {
    text
    marks
    href
    language
  }
`);

graphql(`
  fragment Block on Block {
    __typename
    id
    fallbackText(knownTypes: ["PARAGRAPH", "HEADING", "QUOTE", "LIST", "IMAGE", "VIDEO", "GALLERY", "TABLE", "LIVE_ENTRY"])
    ... on ParagraphBlock {
      runs {
        ...Run
      }
    }
    ... on HeadingBlock {
      level
      runs {
        ...Run
      }
    }
    ... on QuoteBlock {
      runs {
        ...Run
      }
    }
    ... on ListBlock {
      ordered
      items {
        level
        runs {
          ...Run
        }
      }
    }
    ... on ImageBlock {
      caption
      media {
        ...Picture
      }
    }
    ... on VideoBlock {
      caption
      media {
        ...Picture
      }
    }
    ... on GalleryBlock {
      pictures: media {
        ...Picture
      }
    }
    ... on TableBlock {
      rows {
        cells {
          runs {
            ...Run
          }
        }
      }
    }
    ... on LiveEntryBlock {
      at
      title
      runs {
        ...Run
      }
    }
  }
`);

type Run = { text: string; marks: TextMark[]; href: string | null; language: string | null };

const ELEMENTS: Record<TextMark, "strong" | "em" | "s" | "code" | "sub" | "sup"> = {
  STRONG: "strong",
  EM: "em",
  STRIKE: "s",
  CODE: "code",
  SUB: "sub",
  SUP: "sup",
};

function Runs({ runs }: { runs: Run[] }) {
  return runs.map(({ text, marks, href, language }, index) => {
    const marked = marks.reduce<ReactNode>((inner, mark) => {
      const Element = ELEMENTS[mark] ?? "span"; // a mark that this page does not know
      return <Element>{inner}</Element>;
    }, text);
    const linked = href ? <a href={href}>{marked}</a> : marked;
    return (
      <span key={index} lang={language ?? undefined}>
        {linked}
      </span>
    );
  });
}

export function Block({ block }: { block: BlockFragment }) {
  switch (block.__typename) {
    case "ParagraphBlock":
      return <p><Runs runs={block.runs} /></p>;
    case "HeadingBlock": {
      const Heading = block.level > 2 ? "h3" : "h2";
      return <Heading><Runs runs={block.runs} /></Heading>;
    }
    case "QuoteBlock":
      return <blockquote><Runs runs={block.runs} /></blockquote>;
    case "ListBlock": {
      const List = block.ordered ? "ol" : "ul";
      return (
        <List>
          {block.items.map(({ level, runs }, index) => (
            <li key={index} style={{ marginInlineStart: `${level}rem` }}><Runs runs={runs} /></li>
          ))}
        </List>
      );
    }
    case "ImageBlock":
    case "VideoBlock":
      return block.media && <Figure media={block.media} caption={block.caption} />;
    case "GalleryBlock":
      return block.pictures.map((media) => <Figure key={media.id} media={media} />);
    case "TableBlock":
      return (
        <table>
          <tbody>
            {block.rows.map(({ cells }, row) => (
              <tr key={row}>
                {cells.map(({ runs }, cell) => <td key={cell}><Runs runs={runs} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      );
    case "LiveEntryBlock":
      return (
        <section>
          <h2><time dateTime={block.at}>{block.at.slice(11, 16)}</time> {block.title}</h2>
          <p><Runs runs={block.runs} /></p>
        </section>
      );
    case "RuleBlock":
      return <hr />;
    default: // a type without a case here, or newer than this page
      return block.fallbackText && <p className="fallback">{block.fallbackText}</p>;
  }
}
