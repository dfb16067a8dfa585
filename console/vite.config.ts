import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `npx vite` develops against a server that `make run` has started. */
const server = "http://127.0.0.1:8000";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: { outDir: "../src/mediatheque/console", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: Object.fromEntries(["/api", "/v1", "/v3", "/i", "/media", "/health", "/openapi.json", "/mcp"].map((path) => [path, { target: server, ws: true }])) },
});
