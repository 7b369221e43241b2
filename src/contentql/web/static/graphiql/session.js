// What this browser tab remembers: the token, the moment to look from, and the last article. It ends with the
// tab; nothing of it is in an address, a cookie or another storage.
"use strict";

export const url = new URL("../../graphql", import.meta.url);

export const token = stored("token");
export const asOf = stored("as-of");

// The id of the article that was worked on last. The page has it for the next token, too, but it is stored only
// with a token.
const storedArticle = stored("article");
let lastArticle = storedArticle.get();
export const article = {
  get: () => lastArticle,
  set: (id) => {
    lastArticle = id;
    storedArticle.set(id);
  },
};

function stored(name) {
  const key = `contentql${url.pathname}:${name}`;
  return {
    get: () => sessionStorage.getItem(key) ?? "",
    set: (text) => (text ? sessionStorage.setItem(key, text) : sessionStorage.removeItem(key)),
  };
}

export function useToken(secret) {
  token.set(secret);
  storedArticle.set(lastArticle);
}

export function forget() {
  for (const value of [token, asOf, storedArticle]) value.set("");
}

// The moment of the box "As of", which is in local time; null without one.
export function moment() {
  const at = new Date(asOf.get());
  return token.get() && !isNaN(at) ? at : null;
}

// The headers that say who asks, and as of when.
export function credentials() {
  if (!token.get()) return {};
  const at = moment();
  return {
    Authorization: `Bearer ${token.get()}`,
    ...(at ? { "X-Preview-At": at.toISOString() } : {}),
  };
}

// The headers of a request. What was written into GraphiQL's own headers comes first.
export function requestHeaders(own) {
  const headers = new Headers(own);
  for (const [name, value] of headers.has("authorization") ? [] : Object.entries(credentials())) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}
