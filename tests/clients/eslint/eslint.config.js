// The rules of graphql-eslint for schemas and for Relay, with the exceptions of this schema.

import graphql from "@graphql-eslint/eslint-plugin";

const { "flat/schema-recommended": recommended, "flat/schema-relay": relay } = graphql.configs;

export default [
  {
    files: ["*.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...recommended.rules,
      ...relay.rules,

      // Relay's specification asks for forward arguments, backward ones, or both. Lists that readers only
      // follow forward, such as the feed of deleted articles, have no `last` and `before`.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],

      // Two options that Relay's specification does not ask for. Bodies are lists of blocks, and connections
      // have `nodes`. A DeletedArticle has the id of an article that `node` no longer finds.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false },
      ],

      // Objects with an identity implement Node. These are values: a part of one object, which has no address
      // of its own and which caches store within it.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            // Pages of a list and results of a mutation. The `id` of a block is a String: it is no id of Node.
            // A bundle and a media file in it contain the object with the id.
            suffixes: ["Connection", "Edge", "Payload", "Block", "Bundle"],
            types: [
              "AuthorCredit",
              "Body",
              "BundleMedia",
              "ChangePage",
              "CollectionItem",
              "Dateline",
              "EntityMention",
              "ExternalId",
              "FieldChange",
              "FocalPoint",
              "ListItem",
              "LiveEntryCorrection",
              "LocalName",
              "MediaPlacement",
              "PageInfo",
              "PagePattern",
              "Position",
              "Rendition",
              "Resolved",
              "Rights",
              "Site",
              "SiteRedirect",
              "Span",
              "TableCell",
              "TableRow",
              "TextRun",
              "UserError",
              "Viewer",
              "VocabularyCode",
              "Warning",
            ],
          },
        },
      ],
    },
  },
];
