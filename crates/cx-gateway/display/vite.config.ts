import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Two doors: a wall never loads what only the glossary shows.
const input = { index: "index.html", glossary: "glossary.html" };

export default defineConfig({ plugins: [svelte()], build: { modulePreload: { polyfill: false }, rollupOptions: { input } } });
