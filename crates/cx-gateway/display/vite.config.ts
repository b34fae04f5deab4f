import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Three doors: a wall never loads what only the others show.
const input = { index: "index.html", glossary: "glossary.html", "sign-in": "sign-in.html" };

export default defineConfig({ plugins: [svelte()], build: { modulePreload: { polyfill: false }, rollupOptions: { input } } });
