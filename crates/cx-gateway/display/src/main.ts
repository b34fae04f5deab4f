// The display's door: one wall, for the board named in the address.
import { mount } from "svelte";
import Wall from "./Wall.svelte";
import "./wall.css";

const board = /^\/wall\/([^/]+)/.exec(location.pathname)?.[1] ?? "care";
const theme = new URLSearchParams(location.search).get("theme");
if (theme === "light") document.documentElement.dataset.theme = "light";

const target = document.getElementById("app");
if (target) mount(Wall, { target, props: { board } });
