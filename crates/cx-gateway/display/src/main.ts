// The display's door: one wall, for the board named in the address.
import { mount } from "svelte";
import { theme } from "./theme";
import Wall from "./Wall.svelte";
import "uplot/dist/uPlot.min.css";
import "./styles/theme.css";
import "./styles/wall.css";
import "./styles/rail.css";
import "./styles/detail.css";
import "./styles/alert.css";
import "./styles/recount.css";
import "./styles/phone.css";
import "./styles/strip.css";
import "./styles/past.css";

// The name goes back into addresses as it stands here, still encoded.
const board = /^\/wall\/([^/]+)/.exec(location.pathname)?.[1] ?? "care";
theme();

const target = document.getElementById("app");
if (target) mount(Wall, { target, props: { board } });
