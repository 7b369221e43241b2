import { graphql } from "../gql";
import type { AttributionKind, ChainFragment } from "../gql/graphql";

graphql(`
  fragment Chain on Attribution {
    id
    claim
    quote
    verification
    chain {
      id
      kind
      url
      source {
        id
        name
        describedAs
        stateControlled
      }
    }
  }
`);

const PHRASES: Partial<Record<AttributionKind, string>> = {
  ACCORDING_TO: "according to",
  REPORTED_BY: "reported by",
  CITING: "citing",
  RELEASED_BY: "released by",
  SAID: "said by",
  TOLD: "told by",
  QUOTED: "quoting",
  DENIED: "denied by",
  SEEN_BY: "seen by",
  PHOTO_CREDIT: "photo by",
  DATA: "data of",
};

const UNNAMED = "an unnamed source";

/** "According to Sky News, citing South Korean intelligence": the chain has the origin first, the text the last source. */
export function SourceChain({ attribution }: { attribution: ChainFragment }) {
  const hops = attribution.chain.toReversed();
  return (
    <li>
      {attribution.claim && <p className="claim">{attribution.claim}</p>}
      {attribution.quote && <q>{attribution.quote}</q>}
      <p className="chain">
        {hops.map(({ id, kind, url, source }, index) => (
          <span key={id}>
            {index > 0 && ", "}
            {PHRASES[kind] ?? "from"}{" "}
            <b>{url ? <a href={url}>{source?.name ?? UNNAMED}</a> : (source?.name ?? UNNAMED)}</b>
            {source?.describedAs && ` (${source.describedAs})`}
            {source?.stateControlled && " (state-controlled)"}
          </span>
        ))}
        {attribution.verification === "DISPUTED" && <strong> Disputed</strong>}
      </p>
    </li>
  );
}
