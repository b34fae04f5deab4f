// Dark for dim rooms, light for bright ones: chosen by whoever hangs the screen, in its address.
export function theme(): void {
  if (new URLSearchParams(location.search).get("theme") !== "light") return;
  document.documentElement.dataset.theme = "light";
  document.documentElement.style.background = "#dfe3e6";
}
