import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";

if (!location.pathname.startsWith("/console")) history.replaceState(null, "", "/console/library");

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
