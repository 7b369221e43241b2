import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { App } from "./App";
import { createApiClient } from "./client";
import "./style.css";

const client = createApiClient(import.meta.env["VITE_API_URL"] ?? "http://127.0.0.1:8000/graphql");

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Provider value={client}>
      <App />
    </Provider>
  </StrictMode>,
);
