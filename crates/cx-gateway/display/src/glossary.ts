// The glossary's door: every number's meaning, formula, owners, and why it is what it is.
import { mount } from "svelte";
import Glossary from "./Glossary.svelte";
import { theme } from "./theme";
import "./styles/theme.css";
import "./styles/glossary.css";

theme();

const target = document.getElementById("app");
if (target) mount(Glossary, { target });
