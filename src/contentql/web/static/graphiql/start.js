// Opens GraphiQL with the newsroom's examples as tabs. Addresses begin at this script's own, so the page
// works under any path that a proxy puts before it.
"use strict";

(() => {
  const here = document.currentScript.src;
  const url = new URL("../../graphql", here);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";

  // Tabs and settings are kept apart from those of other GraphiQLs on the same host.
  const storage = GraphiQL.createLocalStorage({ namespace: `contentql${url.pathname}` });
  const examples = [...document.querySelectorAll("template.example")].map((example) => ({
    query: example.content.textContent,
  }));

  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(
      GraphiQL,
      {
        fetcher: GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href }),
        plugins: [GraphiQLPluginExplorer.explorerPlugin()],
        storage,
        // Of the first visit; afterwards the browser's own tabs come back. `query` is left alone: a
        // second visit would open it as one more tab.
        defaultTabs: examples,
        defaultQuery: "# A new question. Ctrl-Space proposes what can stand here, Ctrl-Enter asks.\n\n",
        // Headers carry tokens. `shouldPersistHeaders` is left alone too: off, until the reader switches
        // it on in the settings; `false` would take the switch away.
        isHeadersEditorEnabled: true,
        inputValueDeprecation: true,
      },
      React.createElement(GraphiQL.Logo, null, "contentql"),
    ),
  );
})();
