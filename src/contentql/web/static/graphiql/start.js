// Opens GraphiQL with the newsroom's examples, below a bar with a token, a moment to look from, and a word
// on what one sees. Addresses begin at this script's own, so the page works under any path that a proxy
// puts before it.
"use strict";

(() => {
  const here = document.currentScript.src;
  const url = new URL("../../graphql", here);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const find = (id) => document.getElementById(id);

  // The token ends with the browser's tab: it is kept in no other storage, and in no address.
  const token = kept("token");
  const asOf = kept("as-of");

  function kept(name) {
    const key = `contentql${url.pathname}:${name}`;
    return {
      get: () => sessionStorage.getItem(key) ?? "",
      set: (text) => (text ? sessionStorage.setItem(key, text) : sessionStorage.removeItem(key)),
    };
  }

  // What every request says of who asks. The moment is local time in the box and UTC in the header.
  function introduction() {
    if (!token.get()) return {};
    const at = new Date(asOf.get());
    return {
      Authorization: `Bearer ${token.get()}`,
      ...(isNaN(at) ? {} : { "X-Preview-At": at.toISOString() }),
    };
  }

  // What the reader wrote into GraphiQL's own headers comes first.
  async function introduced(address, request) {
    const headers = new Headers(request.headers);
    const own = headers.has("authorization");
    for (const [name, value] of own ? [] : Object.entries(introduction())) {
      if (!headers.has(name)) headers.set(name, value);
    }
    const answer = await fetch(address, { ...request, headers });
    if (answer.status === 401 && !own) tellWho();
    if (answer.ok) answer.clone().json().then(remember, () => {});
    return answer;
  }

  // The bar

  let asked = 0;

  async function tellWho() {
    const badge = find("who");
    const mine = ++asked;
    const said = await whoAmI();
    if (mine !== asked) return; // the token is another by now
    badge.className = said.refused ? "refused" : "";
    badge.textContent = said.words;
  }

  async function whoAmI() {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...introduction() },
        body: JSON.stringify({ query: "{ viewer { name role accessDescription } }" }),
      });
      const { data, errors } = await answer.json();
      if (errors) {
        const { message, extensions } = errors[0];
        return { refused: true, words: [message, extensions?.hint].filter(Boolean).join(" ") };
      }
      const { name, role, accessDescription } = data.viewer;
      const who = name === null ? ["Public"] : [name, role[0] + role.slice(1).toLowerCase()];
      return { words: [...who, accessDescription].join(" · ") };
    } catch {
      return { refused: true, words: "The server does not answer." };
    }
  }

  function showBar() {
    const secret = token.get();
    find("token").value = "";
    find("token").placeholder = secret ? `in use: … ${secret.slice(-4)}` : "cql_…";
    find("forget").disabled = !secret;
    find("as-of").disabled = !secret;
    find("as-of").value = asOf.get();
  }

  function introduce(secret) {
    token.set(secret);
    if (!secret) asOf.set("");
    showBar();
    tellWho();
    // Where the last token was refused, GraphiQL could not learn the schema.
    if (desk.schema && !desk.schema.schema) desk.schema.introspect();
  }

  function openBar() {
    find("bar").addEventListener("submit", (event) => {
      event.preventDefault();
      // As it is often copied: with the header's own words, or between quotation marks.
      const secret = find("token").value.replace(/^[\s"']*(authorization:)?\s*(bearer\s)?\s*|[\s"']+$/gi, "");
      if (secret) introduce(secret);
    });
    find("forget").addEventListener("click", () => {
      introduce("");
      find("token").focus();
    });
    find("as-of").addEventListener("change", (event) => {
      asOf.set(event.target.value);
      tellWho();
    });
    const menu = find("examples");
    menu.addEventListener("click", (event) => {
      const chosen = event.target.closest("button");
      if (!chosen) return;
      menu.open = false;
      openExample(examples.find(({ name }) => name === chosen.value).query);
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    find("bar").hidden = false;
    showBar();
    tellWho();
  }

  // The examples

  const examples = [...document.querySelectorAll("template.example")].map((example) => ({
    name: example.dataset.name,
    tab: example.dataset.tab !== undefined,
    query: example.content.textContent,
  }));

  // GraphiQL's own state, as of its last rendering.
  const desk = {};
  const NONE_YET = "art_…";
  let article = NONE_YET;

  // The article that was worked on last is the one that the next step is about.
  function remember({ data }) {
    for (const payload of Object.values(data ?? {})) {
      if (payload?.userErrors && payload.article?.id) article = payload.article.id;
    }
  }

  function openExample(query) {
    const open = desk.editor.tabs.findIndex((tab) => tab.query === query);
    ReactDOM.flushSync(() => (open < 0 ? desk.editor.addTab() : desk.editor.changeTab(open)));
    const { queryEditor, variableEditor } = desk.editor;
    if (open < 0) queryEditor.setValue(query);
    const variables = variableEditor.getValue();
    if (query.includes("$article") && (!variables.trim() || variables.includes(NONE_YET))) {
      variableEditor.setValue(JSON.stringify({ article }, null, 2));
      document.querySelector(".graphiql-editor-tools [data-name=variables]").click(); // to be seen
    }
    queryEditor.focus();
    const tabs = document.querySelector(".graphiql-tabs");
    const show = () => tabs.querySelector(".graphiql-tab-active")?.scrollIntoView({ inline: "nearest" });
    setTimeout(show, 200); // when it has its name, and with it its width
  }

  function Desk() {
    desk.editor = GraphiQL.React.useEditorContext({ nonNull: true });
    desk.schema = GraphiQL.React.useSchemaStore();
    return "contentql";
  }

  // HTML on the clipboard is pasted into the value of `html` as a string. Pasted as plain text, as elsewhere,
  // it would lose its formatting, and its line ends would end the string.
  document.addEventListener(
    "paste",
    (event) => {
      const editor = event.target.closest(".CodeMirror")?.CodeMirror;
      const html = event.clipboardData?.getData("text/html");
      if (!editor || !html) return;
      const before = editor.getRange({ line: 0, ch: 0 }, editor.getCursor("from"));
      if (!/\bhtml"?\s*:\s*"(?:[^"\\\n]|\\.)*$/.test(before)) return;
      event.preventDefault();
      event.stopPropagation();
      editor.replaceSelection(JSON.stringify(html).slice(1, -1));
    },
    true,
  );

  // Tabs and settings are kept apart from those of other GraphiQLs on the same host.
  const storage = GraphiQL.createLocalStorage({ namespace: `contentql${url.pathname}` });

  ReactDOM.createRoot(find("graphiql")).render(
    React.createElement(
      GraphiQL,
      {
        fetcher: GraphiQL.createFetcher({
          url: url.href,
          fetch: introduced,
          subscriptionUrl: subscriptionUrl.href,
          // Read anew for each socket.
          wsConnectionParams: {
            get Authorization() {
              return introduction().Authorization;
            },
            get "X-Preview-At"() {
              return introduction()["X-Preview-At"];
            },
          },
        }),
        plugins: [GraphiQLPluginExplorer.explorerPlugin()],
        storage,
        // Of the first visit; afterwards the browser's own tabs come back. `query` is left alone: a
        // second visit would open it as one more tab.
        defaultTabs: examples.filter(({ tab }) => tab).map(({ query }) => ({ query })),
        defaultQuery: "# A new question. Ctrl-Space proposes what can stand here, Ctrl-Enter asks.\n\n",
        // Headers carry tokens. `shouldPersistHeaders` is left alone too: off, until the reader switches
        // it on in the settings; `false` would take the switch away.
        isHeadersEditorEnabled: true,
        inputValueDeprecation: true,
      },
      React.createElement(GraphiQL.Logo, null, React.createElement(Desk)),
    ),
  );
  openBar();
})();
