// The door of the house: who is not signed in comes here first.
import { mount } from "svelte";
import SignIn from "./SignIn.svelte";
import { theme } from "./theme";
import "./styles/theme.css";
import "./styles/door.css";

theme();

const target = document.getElementById("app");
if (target) mount(SignIn, { target });
