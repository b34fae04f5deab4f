// Who is signed in; whoever is not is led to the sign-in, and back.
import { read, Refused, send } from "./layout";

/** Answer of GET /v1/session. */
export interface Session {
  mode: "open" | "closed";
  name: string;
  role: string;
  boards: string[];
  /** Until when, ms since 1970; null: until it is revoked. */
  until: number | null;
  rights: string[];
}

/** A display that was let in. */
export interface Device {
  device: string;
  name: string;
  boards: string[];
  by: string;
  /** Seconds since 1970. */
  issued: number;
  until: number;
}

/** Answer of POST /v1/pairings: what a screen shows, and what it keeps. */
export interface Pairing {
  code: string;
  claim: string;
  holds_s: number;
}

/** Where people sign in beside this page. */
export interface Issuer {
  /** What the button says after *Sign in with*. */
  label: string;
  begin: string;
  /** Whom to ask who has no role here. */
  ask: string;
}

/** Who asks; null: nobody who is known here. */
export async function session(): Promise<Session | null> {
  try {
    return (await read<Session>("/v1/session")).body;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

export const signIn = (name: string, password: string): Promise<Session> =>
  send("/v1/session", JSON.stringify({ name, password }), "application/json");

/** The issuer that people may sign in at; null: there is none. */
export const issuer = async (): Promise<Issuer | null> => (await read<{ issuer: Issuer | null }>("/v1/sign-in")).body.issuer;

/** Why somebody who came back from the issuer is not in, by the server's word for it. */
export function refusal(search: string, at: Issuer | null): string {
  const word = new URLSearchParams(search).get("refused");
  if (!word || !at) return "";
  const ask = `Ask ${at.ask}`;
  if (word === "token_role") return `You are known to the issuer, and have no role here, or more than one. ${ask} for a role.`;
  if (word === "token_boards") return `You are known to the issuer, and may see no board here. ${ask} for boards.`;
  if (word === "token_name") return `Your name at the issuer is one of somebody here who signs in by password. ${ask} for another one.`;
  if (word === "sign_on_denied") return "The issuer let nobody in. Sign in again, or by name and password.";
  if (word === "sign_on_not_begun_here") return "That sign-in was not begun in this browser, or took more than ten minutes. Sign in again.";
  if (word === "sign_on_too_many") return "Too many sign-ins were begun from here. Wait five minutes.";
  if (word === "sign_on_unreachable") return `The issuer cannot be reached from here. Try again in a moment; if it stays so: ask ${at.ask}.`;
  return `The sign-in did not hold (${/^[a-z_]{1,40}$/.test(word) ? word : "unknown"}). Try again; if it stays so: ask ${at.ask}.`;
}

/** Whether somebody just came back from the issuer, signed in. */
export const cameBack = (search: string): boolean => new URLSearchParams(search).has("on");

export const pair = (): Promise<Pairing> => send("/v1/pairings", "", "application/json");

/** The board that somebody gave this screen; null: nobody yet. */
export const claim = async (of: Pairing): Promise<string | null> =>
  (await send<{ board: string | null }>("/v1/pairings/claim", JSON.stringify({ claim: of.claim }), "application/json")).board;

export const devices = async (): Promise<Device[]> => (await read<{ devices: Device[] }>("/v1/devices")).body.devices;

export const admit = (code: string, name: string, board: string): Promise<unknown> =>
  send("/v1/devices", JSON.stringify({ code, name, board }), "application/json");

/** Ends a session (`/v1/session`) or a display's stay (`/v1/devices/…`). */
export async function end(path: string): Promise<void> {
  const answer = await fetch(path, { method: "DELETE" });
  if (!answer.ok) throw new Refused(answer.status, `answer ${answer.status}`);
}

/** Where to go after the sign-in: a page of this house, and of no other. */
export function back(search: string): string {
  const to = new URLSearchParams(search).get("to") ?? "";
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : "/";
}

/** To the sign-in, and back to the page that is open now. */
export function leave(): void {
  location.replace(`/sign-in?${new URLSearchParams({ to: location.pathname + location.search + location.hash })}`);
}

/** A stream was closed: leaves where whoever looks is not let in any more; else it may be tried again. */
export async function ended(): Promise<void> {
  const now = await session().catch(() => undefined);
  if (now === null) leave();
}
