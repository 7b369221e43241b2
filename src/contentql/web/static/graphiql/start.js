// Opens GraphiQL with the newsroom's examples below the bar. All addresses begin at this script's own, so the
// page works under any path that a proxy puts before it.
"use strict";

import { openBar, showStatus, showToast } from "./bar.js";
import { explainEmptyHistory, letTabLeaveEditors, linkAddresses, nameEditor, pasteHtmlAsString } from "./editors.js";
import { createSender, readableResults } from "./requests.js";
import { article, credentials, url } from "./session.js";
import { copyText, curlCommand, shareLink, takeSharedOperation } from "./sharing.js";

const { createElement, useEffect, useSyncExternalStore } = React;
const { useEditorContext, useSchemaStore, ToolbarButton } = GraphiQL.React;

const NO_ARTICLE = "art_…";
const NEW_TAB = "# A new operation. Ctrl-Space proposes what can stand here, Ctrl-Enter runs it.\n\n";
const ACTIVE_TAB = ".graphiql-tabs .graphiql-tab-active";

const examples = [...document.querySelectorAll("template.example")].map((example) => ({
  name: example.dataset.name,
  tab: example.dataset.tab !== undefined,
  query: example.content.textContent,
}));

// GraphiQL's own state, as of its last rendering.
const desk = {};

// Operations

// Opens an operation in a new tab of the editor, or the tab that has it already.
function openOperation({ query, variables = "" }) {
  const { tabs, activeTabIndex } = desk.editor;
  const { query: current, variables: currentVariables } = currentOperation();
  const index = tabs.findIndex((tab, number) => {
    // The state of the active tab is a moment behind its editors.
    const texts = number === activeTabIndex ? [current, currentVariables] : [tab.query, tab.variables];
    return texts[0] === query && (!variables || texts[1] === variables);
  });
  ReactDOM.flushSync(() => (index < 0 ? desk.editor.addTab() : desk.editor.changeTab(index)));
  const { queryEditor, variableEditor } = desk.editor;
  if (index < 0) {
    fillTab(query, variables);
  } else if (query.includes("$article") && variableEditor.getValue().includes(NO_ARTICLE)) {
    variableEditor.setValue("");
  }
  queryEditor.focus();
  // When it has its name, and with it its width.
  setTimeout(() => document.querySelector(ACTIVE_TAB)?.scrollIntoView({ inline: "nearest" }), 200);
}

function fillTab(query, variables) {
  const { queryEditor, activeTabIndex } = desk.editor;
  const fill = () => {
    queryEditor.setValue(query);
    if (variables) showVariables(variables);
  };
  fill();
  // React may apply the update that added the tab once more, which empties the editor again.
  for (const milliseconds of [100, 500]) {
    setTimeout(() => {
      const isEmptied = queryEditor.getValue() === NEW_TAB && desk.editor.activeTabIndex === activeTabIndex;
      if (isEmptied) fill();
    }, milliseconds);
  }
}

function openExample(name) {
  const { query } = examples.find((example) => example.name === name);
  openOperation({ query });
  if (query.includes("$article") && !desk.editor.variableEditor.getValue().trim()) {
    showVariables(JSON.stringify({ article: article.get() || NO_ARTICLE }, null, 2));
  }
}

function showVariables(text) {
  desk.editor.variableEditor.setValue(text);
  document.querySelector(".graphiql-editor-tools [data-name=variables]").click();
}

// The article that was worked on last is the one that the next step is about.
function rememberArticle({ query }, { data }) {
  if (!/\bmutation\b/.test(query)) return;
  for (const payload of Object.values(data ?? {})) {
    const id = payload?.article?.id;
    if (typeof id === "string" && id.startsWith("art_")) article.set(id);
  }
}

function currentOperation() {
  const { queryEditor, variableEditor, headerEditor } = desk.editor;
  return {
    query: queryEditor.getValue(),
    variables: variableEditor.getValue(),
    headers: headerEditor?.getValue(),
    operationName: queryEditor.operationName ?? undefined,
  };
}

// The summary of each tab's response

const summaries = {
  byTab: {},
  listeners: new Set(),
  set(tab, summary) {
    this.byTab = { ...this.byTab, [tab]: summary };
    this.listeners.forEach((listener) => listener());
  },
};

const activeTab = () => desk.editor.tabs[desk.editor.activeTabIndex]?.id;

function subscribe(listener) {
  summaries.listeners.add(listener);
  return () => summaries.listeners.delete(listener);
}

function ResponseSummary() {
  const { tabs, activeTabIndex } = useEditorContext({ nonNull: true });
  const summary = useSyncExternalStore(subscribe, () => summaries.byTab)[tabs[activeTabIndex]?.id];
  return createElement("div", { id: "response-summary", role: "status", "aria-label": "Response" }, summaryOf(summary));
}

function summaryOf(summary) {
  if (!summary) return "Status, time, cost and cache of the response appear here.";
  const { status, time, cost, cache, age } = summary;
  const facts = [
    ["Status", status ?? "no answer"],
    ["Time", `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`],
    ["Cost", cost],
    ["Cache", cache && age !== undefined ? `${cache}, ${age} s old` : cache],
  ];
  return createElement(
    "dl",
    null,
    facts
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) =>
        createElement("div", { key: name }, createElement("dt", null, name), " ", createElement("dd", null, value)),
      ),
  );
}

// The toolbar

const ICONS = {
  curl: "M4 6l6 6-6 6M12 18h8",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
};

function icon(path) {
  const lines = { d: path, fill: "none", stroke: "currentColor", strokeWidth: 1.5, strokeLinecap: "round" };
  return createElement(
    "svg",
    { className: "graphiql-toolbar-icon", viewBox: "0 0 24 24", "aria-hidden": true },
    createElement("path", { ...lines, strokeLinejoin: "round" }),
  );
}

async function copy(make, done) {
  try {
    await copyText(make(currentOperation()));
    showToast(done);
  } catch (error) {
    const isSyntax = error instanceof SyntaxError;
    showToast(isSyntax ? "The variables or headers are not JSON. Correct them first." : "The browser does not allow copying.");
  }
}

const toolbar = ({ prettify, merge, copy: copyQuery }) => [
  createElement(React.Fragment, { key: "own" }, prettify, merge, copyQuery),
  createElement(
    ToolbarButton,
    { key: "curl", label: "Copy as cURL", onClick: () => copy(curlCommand, "Copied as a cURL command.") },
    icon(ICONS.curl),
  ),
  createElement(
    ToolbarButton,
    { key: "link", label: "Copy link to this operation", onClick: () => copy(shareLink, "Copied a link to the operation.") },
    icon(ICONS.link),
  ),
];

// GraphiQL

function Desk() {
  desk.editor = useEditorContext({ nonNull: true });
  desk.schema = useSchemaStore();
  const { queryEditor, variableEditor, headerEditor, responseEditor } = desk.editor;
  useEffect(() => {
    if (queryEditor) nameEditor(queryEditor, "Operation");
    if (variableEditor) nameEditor(variableEditor, "Variables");
    if (headerEditor) nameEditor(headerEditor, "Headers");
  }, [queryEditor, variableEditor, headerEditor]);
  useEffect(() => {
    if (!responseEditor) return;
    nameEditor(responseEditor, "Result");
    linkAddresses(responseEditor);
  }, [responseEditor]);
  useEffect(() => {
    // From here on GraphiQL listens to its editors.
    desk.ready = Boolean(queryEditor && variableEditor);
    setTimeout(openShared); // React renders a new tab at once only outside of its own phases
  }, [queryEditor, variableEditor]);
  return "contentql";
}

function openShared() {
  if (!desk.ready) return;
  const shared = takeSharedOperation();
  if (shared) openOperation(shared);
}

function createFetcher() {
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const fetcher = GraphiQL.createFetcher({
    url: url.href,
    headers: { accept: "application/json" },
    enableIncrementalDelivery: false,
    fetch: createSender({
      report: (summary) => summaries.set(activeTab(), summary),
      onResult: rememberArticle,
      onRefused: showStatus,
    }),
    subscriptionUrl: subscriptionUrl.href,
    // Read anew for each socket.
    wsConnectionParams: {
      get Authorization() {
        return credentials().Authorization;
      },
      get "X-Preview-At"() {
        return credentials()["X-Preview-At"];
      },
    },
  });
  return async (parameters, options) => {
    const result = await fetcher(parameters, options);
    return Symbol.asyncIterator in result ? readableResults(result) : result;
  };
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  createElement(
    GraphiQL,
    {
      fetcher: createFetcher(),
      plugins: [GraphiQLPluginExplorer.explorerPlugin()],
      // Tabs and settings are kept apart from those of other GraphiQLs on the same host.
      storage: GraphiQL.createLocalStorage({ namespace: `contentql${url.pathname}` }),
      // Of the first visit; afterwards the browser's own tabs come back. `query` is left alone: a second visit
      // would open it as one more tab.
      defaultTabs: examples.filter(({ tab }) => tab).map(({ query }) => ({ query })),
      defaultQuery: NEW_TAB,
      // Headers carry tokens. `shouldPersistHeaders` is left alone too: off, until it is switched on in the
      // settings; `false` would take the switch away.
      isHeadersEditorEnabled: true,
      inputValueDeprecation: true,
    },
    createElement(GraphiQL.Logo, null, createElement(Desk)),
    createElement(GraphiQL.Toolbar, null, toolbar),
    createElement(GraphiQL.Footer, null, createElement(ResponseSummary)),
  ),
);
letTabLeaveEditors();
pasteHtmlAsString();
explainEmptyHistory();
window.addEventListener("hashchange", openShared);
openBar({
  // Where the last token was refused, GraphiQL could not learn the schema.
  onChange: () => desk.schema && !desk.schema.schema && desk.schema.introspect(),
  onExample: openExample,
});
