// The editors' keyboard, clipboard and links.
"use strict";

import { showToast } from "./bar.js";

// Tab indents in an editor. After Escape it moves the focus on, as in the rest of the page; in the result, which
// cannot be edited, it always does.
export function letTabLeaveEditors() {
  let leaving = null;
  document.addEventListener(
    "keydown",
    (event) => {
      const element = event.target.closest?.(".CodeMirror");
      const editor = element?.CodeMirror;
      if (!editor || event.key === "Shift") return;
      if (event.key === "Tab" && !event.ctrlKey && !event.altKey && !event.metaKey) {
        if (leaving === editor || editor.getOption("readOnly")) event.stopPropagation();
        leaving = null;
      } else if (event.key === "Escape") {
        // The first one closes the proposals or the search.
        if (editor.state.completionActive || element.querySelector(".CodeMirror-dialog")) return;
        leaving = editor;
        showToast("Press Tab to leave the editor.");
      } else {
        leaving = null;
      }
    },
    true,
  );
}

export function nameEditor(editor, name) {
  const leave = editor.getOption("readOnly") ? "" : " To leave the editor, press Escape, then Tab.";
  editor.setOption("screenReaderLabel", `${name}.${leave}`);
}

// HTML on the clipboard is pasted into the value of `html` as a string. Pasted as plain text, as elsewhere, it
// would lose its formatting, and its line ends would end the string.
export function pasteHtmlAsString() {
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
}

const LINK = /https?:\/\/[^\s"\\<>]+/;

// Addresses in the result open in a new tab of the browser.
export function linkAddresses(editor) {
  editor.addOverlay({
    token(stream) {
      if (stream.match(LINK)) return "link-address";
      stream.next();
      while (!stream.eol() && !stream.match(LINK, false)) stream.next();
      return null;
    },
  });
  editor.getWrapperElement().addEventListener("click", (event) => {
    const link = event.target.closest(".cm-link-address");
    if (link && !editor.somethingSelected()) window.open(link.textContent, "_blank", "noopener,noreferrer");
  });
}

// The list of past operations, which is an empty pane at first, says what it is for.
export function explainEmptyHistory() {
  new MutationObserver(() => {
    const list = document.querySelector(".graphiql-history");
    if (!list) return;
    const note = list.querySelector(".history-note");
    const isEmpty = !list.querySelector(".graphiql-history-item");
    if (isEmpty && !note) {
      const text = "Operations that you run are listed here, to run them again. Star the ones to keep.";
      list.append(Object.assign(document.createElement("p"), { className: "history-note", textContent: text }));
    } else if (!isEmpty) {
      note?.remove();
    }
  }).observe(document.getElementById("graphiql"), { childList: true, subtree: true });
}
