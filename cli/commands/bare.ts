/** `skypipe [NAME]`: writes or reads, as stdin says. */
import { WireError } from "../../satellite/wire/errors.ts";
import { hasTerminal, type Role, roleOfStdin } from "../terminal/stdin.ts";
import { typed } from "./common/pipe-name.ts";
import { type RecvOptions, recv } from "./recv.ts";
import { type SendOptions, send } from "./send.ts";

export async function bare(name: string, options: RecvOptions & SendOptions): Promise<number> {
  const role = roleOfStdin();
  refuseOptionsOf(role === "write" ? "read" : "write", options, name);
  if (role === "read") return recv(name, options);
  return send(name, undefined, options, { refusesEmpty: !hasTerminal() });
}

/** How each role's own options are typed, with a value where they take one. */
const flagsOf: Record<Role, Readonly<Record<string, string>>> = {
  write: { sync: "--sync", whole: "--whole", lines: "--lines", ttl: "--ttl 10m" },
  read: {
    follow: "--follow",
    one: "--one",
    tap: "--tap",
    new: "--new",
    tag: "--tag",
    output: "-o FILE",
  },
};

/** An option of the other role contradicts stdin; neither is guessed to be the one that is meant. */
function refuseOptionsOf(role: Role, options: object, name: string): void {
  const given = Object.entries(flagsOf[role]).find(([key]) => Object.hasOwn(options, key))?.[1];
  if (given === undefined) return;
  const verb = role === "write" ? "send" : "recv";
  const stdin = role === "write" ? "is a terminal or /dev/null, so this reads" : "has data, so this writes";
  throw new WireError(
    "usage",
    `${given.split(" ")[0]} is for ${verb}, but stdin ${stdin}: say which, for example ` +
      `skypipe ${verb} ${given}${typed(name)}`,
  );
}
