/** A host as ssh takes it. */
import { WireError } from "../../satellite/wire/errors.ts";

/** `user@host`, an alias of ~/.ssh/config, or `ssh://user@host:port`. Throws WireError `usage` for what ssh would misread. */
export function destinationOf(text: string): string {
  const destination = text.trim();
  // What begins with a hyphen would be an option of ssh, and what holds a blank a mistake.
  if (/^[^\s-]\S{0,254}$/.test(destination) && !destination.includes("@-")) return destination;
  throw new WireError(
    "usage",
    "that is not a host for ssh: name it as you would log in to it, for example skypipe setup ssh me@example.com",
  );
}

/** What its satellite is remembered as: the host without user and port. */
export function nicknameOf(destination: string): string {
  const host = destination
    .replace(/^ssh:\/\//, "")
    .replace(/^[^@]*@/, "")
    .replace(/:\d+\/?$/, "")
    .replaceAll(/[^\p{L}\p{N}._-]/gu, "-")
    .replace(/^[._-]+/, "")
    .slice(0, 60);
  return host === "" ? "ssh" : host;
}
