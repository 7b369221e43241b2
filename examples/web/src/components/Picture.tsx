import { graphql } from "../gql";
import type { PictureFragment } from "../gql/graphql";

graphql(`
  fragment Picture on Media {
    id
    kind
    url
    mime
    alt
    credit
    width
    height
    renditions {
      url
      width
      mime
    }
  }
`);

/** A picture with its smaller files; for a video or recording, its player. */
export function Picture({ media, sizes = "min(100vw, 44rem)" }: { media: PictureFragment; sizes?: string }) {
  if (media.kind === "VIDEO") return <video controls preload="none" src={media.url} aria-label={media.alt ?? "Video"} />;
  if (media.kind === "AUDIO") {
    return <audio controls preload="none" src={media.url} aria-label={media.alt ?? "Recording"} />;
  }
  const files = [...media.renditions, media].filter(({ width, mime }) => width && mime?.startsWith("image/"));
  const srcSet = files.map(({ url, width }) => `${url} ${width}w`).join(", ");
  return (
    <img
      src={media.url}
      srcSet={srcSet || undefined}
      sizes={srcSet ? sizes : undefined}
      alt={media.alt ?? ""}
      width={media.width ?? undefined}
      height={media.height ?? undefined}
      loading="lazy"
    />
  );
}

/** A picture with caption and credit. */
export function Figure({ media, caption }: { media: PictureFragment; caption?: string | null }) {
  return (
    <figure>
      <Picture media={media} />
      {(caption || media.credit) && (
        <figcaption>
          {caption} {media.credit && <small>{media.credit}</small>}
        </figcaption>
      )}
    </figure>
  );
}
