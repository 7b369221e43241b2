// The bar above GraphiQL: the token, the moment to look from, what one sees, and the examples.
"use strict";

import { asOf, credentials, forget, moment, token, url, useToken } from "./session.js";

const find = (id) => document.getElementById(id);

const MOMENT_FORMAT = {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
};

// `onChange`: called after another token was set. `onExample`: called with the name of the chosen example.
export function openBar({ onChange, onExample }) {
  const use = (secret) => {
    if (secret) useToken(secret);
    else forget();
    showFields();
    showStatus();
    onChange();
  };
  find("bar").addEventListener("submit", (event) => {
    event.preventDefault();
    // As it is often copied: with the header's own words, or between quotation marks.
    const secret = find("token").value.replace(/^[\s"']*(authorization:)?\s*(bearer\s)?\s*|[\s"']+$/gi, "");
    if (!secret) return;
    openIdentity(false);
    use(secret);
  });
  find("forget").addEventListener("click", () => {
    use("");
    find("token").focus();
  });
  find("as-of").addEventListener("change", (event) => showAsOf(event.target.value));
  find("now").addEventListener("click", () => showAsOf(""));
  find("retry").addEventListener("click", () => {
    if (find("retry").value === "forget") use("");
    else {
      showStatus();
      onChange();
    }
  });
  find("identity-button").addEventListener("click", () => openIdentity(!find("bar").classList.contains("open")));
  openMenu(onExample);
  find("bar").hidden = false;
  showFields();
  showStatus();
}

function openIdentity(open) {
  find("bar").classList.toggle("open", open);
  find("identity-button").ariaExpanded = String(open);
  if (open) find("token").focus();
}

function openMenu(onExample) {
  const menu = find("examples");
  menu.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    menu.open = false;
    onExample(chosen.value);
  });
  find("bar").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (menu.open) menu.querySelector("summary").focus();
    else if (find("bar").classList.contains("open")) find("identity-button").focus();
    menu.open = false;
    openIdentity(false);
  });
  document.addEventListener("click", ({ target }) => {
    if (!menu.contains(target)) menu.open = false;
    if (!find("identity").contains(target) && !find("identity-button").contains(target)) openIdentity(false);
  });
}

function showFields() {
  const secret = token.get();
  find("token").value = "";
  find("token").placeholder = secret ? `in use: … ${secret.slice(-4)}` : "cql_…";
  find("forget").disabled = !secret;
  find("as-of").disabled = !secret;
  find("as-of").value = asOf.get();
}

function showAsOf(text) {
  asOf.set(text);
  showFields();
  showStatus();
}

let requests = 0;

// Shows who asks and what they see; below the bar, with a way out, if they are refused.
export async function showStatus() {
  const number = ++requests;
  const status = await askWhoAmI();
  if (number !== requests) return; // the token is another by now
  const at = moment();
  find("now").hidden = !at || status.problem === "token";
  find("now").textContent = status.problem ? "Back to the present" : "✕";
  find("who").className = status.problem ? "refused" : "";
  find("who").replaceChildren(status.words);
  if (at && !status.problem) {
    const words = `As of ${at.toLocaleString("en-GB", MOMENT_FORMAT)}`;
    find("who").append(Object.assign(document.createElement("span"), { id: "moment", textContent: words }));
  }
  find("retry").hidden = !status.problem;
  find("retry").value = status.problem === "token" ? "forget" : "again";
  find("retry").textContent = status.problem === "token" ? "Continue without a token" : "Try again";
  if (status.problem) find("bar").after(find("status"));
  else find("identity").after(find("status"));
}

async function askWhoAmI() {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...credentials() },
      body: JSON.stringify({ query: "{ viewer { name role accessDescription } }" }),
    });
    const { data, errors } = await response.json();
    if (errors) {
      const { message, extensions } = errors[0];
      const words = [message, extensions?.hint].filter(Boolean).join(" ");
      return { problem: token.get() && response.status === 401 ? "token" : "other", words };
    }
    const { name, role, accessDescription } = data.viewer;
    const who = name === null ? ["Public"] : [name, role[0] + role.slice(1).toLowerCase()];
    return { words: [...who, accessDescription].join(" · ") };
  } catch {
    return { problem: "other", words: "The server does not answer." };
  }
}

let toasts = 0;

// Shows a sentence for some seconds.
export function showToast(sentence) {
  const number = ++toasts;
  find("toast").textContent = sentence;
  setTimeout(() => {
    if (number === toasts) find("toast").textContent = "";
  }, 4000);
}
