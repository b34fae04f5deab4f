// The display's door: one wall, for the board named in the address.
import { mount } from "svelte";
import Wall from "./Wall.svelte";
import "uplot/dist/uPlot.min.css";
import "./styles/theme.css";
import "./styles/wall.css";
import "./styles/rail.css";
import "./styles/detail.css";
import "./styles/recount.css";
import "./styles/phone.css";
import "./styles/strip.css";

// The name goes back into addresses as it stands here, still encoded.
const board = /^\/wall\/([^/]+)/.exec(location.pathname)?.[1] ?? "care";
const theme = new URLSearchParams(location.search).get("theme");
if (theme === "light") {
  document.documentElement.dataset.theme = "light";
  document.documentElement.style.background = "#dfe3e6";
}

const target = document.getElementById("app");
if (target) mount(Wall, { target, props: { board } });
