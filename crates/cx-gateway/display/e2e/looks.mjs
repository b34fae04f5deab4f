// How the wall looks to a machine: readable by everybody, and coloured only where something is wrong.
import { readFileSync } from "node:fs";

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
/** OKLCH chroma of what counts as coloured. */
const CHROMA = 0.05;

/** No violation of axe's rules. */
export async function accessible(page, at, check) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const told = violations.map((v) => `${v.id} (${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")})`);
  check(`${at}: axe finds nothing`, told.length === 0, told.join("; "));
}

/** Every coloured pixel lies inside something that is marked as abnormal. */
export async function calm(page, at, check) {
  const marked = () =>
    page.evaluate(() =>
      [...document.querySelectorAll(".tile.off, .row.p1, .row.p2, .row.p3, .band")].map((e) => {
        const { left, top, right, bottom } = e.getBoundingClientRect();
        return [left, top, right, bottom];
      }),
    );
  const before = await marked();
  const picture = (await page.screenshot()).toString("base64");
  const boxes = [...before, ...(await marked())];
  // The page's own policy forbids data: pictures, so a blank page counts.
  const blank = await page.context().browser().newPage();
  const { outside, all } = await blank.evaluate(count, { picture, boxes, limit: CHROMA });
  await blank.close();
  check(`${at}: the picture is not empty`, all > 100_000, `${all} pixels`);
  check(`${at}: no colour outside of what is marked (${before.length} marked)`, outside === 0, `${outside} pixels`);
}

/** Runs in the page: pixels over the limit that lie in none of the boxes. */
async function count({ picture, boxes, limit }) {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  const linear = Array.from({ length: 256 }, (_, c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const chroma = (i) => {
    const [r, g, b] = [linear[data[i]], linear[data[i + 1]], linear[data[i + 2]]];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return Math.hypot(1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s);
  };
  let outside = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (chroma(i) <= limit) continue;
    const [x, y] = [(i / 4) % image.width, Math.floor(i / 4 / image.width)];
    if (!boxes.some(([l, t, r, b]) => x >= l - 1 && x <= r && y >= t - 1 && y <= b)) outside += 1;
  }
  return { outside, all: data.length / 4 };
}
