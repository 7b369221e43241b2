import { type ReactNode, useEffect } from "react";
import type { CombinedError } from "urql";

type Result<T> = { data?: T; error?: CombinedError; fetching: boolean };

/** Sets the title of the document. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} – Demo newsroom` : "Demo newsroom";
  }, [title]);
}

/** Renders the data of a query or, before there is any, its state. */
export function Loaded<T>({ result, children }: { result: Result<T>; children: (data: T) => ReactNode }) {
  if (result.data) return <>{children(result.data)}</>;
  if (result.error) return <p role="alert">The news could not be loaded: {result.error.message}</p>;
  return <p role="status">Loading …</p>;
}
