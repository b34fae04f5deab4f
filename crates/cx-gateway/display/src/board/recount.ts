// The seal, pressed: the server counts its log again from the first record. GET and POST /v1/recount.
import { read, Refused, send } from "./layout";

export interface Recount {
  state: string;
  words: string;
  s?: number;
  records: number;
  of?: number;
  score?: { numbers: number; equal: number; not_provable: number };
  difference?: string;
}

const PATH = "/v1/recount";

export const look = async (): Promise<Recount> => (await read<Recount>(PATH)).body;

/** Begins a recount; joins the one that runs already. */
export async function press(): Promise<Recount> {
  try {
    return await send<Recount>(PATH, "{}", "application/json");
  } catch (error) {
    if (error instanceof Refused && error.status === 409) return look();
    throw error;
  }
}

export const running = (now: Recount | null): boolean => ["reading", "counting"].includes(now?.state ?? "");

/** The verdict as it is read from afar: a few large words, and what they are about. */
export function headline(now: Recount | null): { large: string; small: string } {
  const score = now?.score;
  if (now?.state === "reading") {
    const share = now.of ? Math.floor((100 * now.records) / now.of) : 0;
    return { large: `${Math.min(share, 99)} %`, small: "of the log is read" };
  }
  if (now?.state === "counting") return { large: "counting", small: "every number anew" };
  if (now?.state === "agrees" && score) {
    const small = score.not_provable === 0 ? "numbers are equal" : `numbers are equal, ${score.not_provable} not provable`;
    return { large: `${score.equal} of ${score.numbers - score.not_provable}`, small };
  }
  if (now?.state === "differs") {
    const wrong = score ? score.numbers - score.equal - score.not_provable : 0;
    return { large: "differs", small: wrong > 0 ? `${wrong} of ${score?.numbers ?? 0} numbers` : "what the second rests on" };
  }
  if (now?.state === "unsaid") return { large: "not provable", small: "see why below" };
  return { large: "\u2014", small: "asking the server" };
}
