/** The provider for hosts of one's own, over a real ssh: as every provider, and what is its own. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { destinationOf, nicknameOf } from "../../deploy/ssh/destination.ts";
import { isPassing, sshError } from "../../deploy/ssh/explain.ts";
import { unitText } from "../../deploy/ssh/remote/systemd.ts";
import { sshProvider } from "../../deploy/ssh/ssh.ts";
import { Sshd } from "../support/sshd.ts";
import { useBed } from "../support/use-bed.ts";
import { providerSuite } from "./provider-suite.ts";

providerSuite(
  async () => {
    const bed = useBed();
    const sshd = await Sshd.start(bed);
    const running = (): string[] => sshd.satellites().map(String);
    return {
      provider: () => sshProvider(bed.env),
      credentials: { host: sshd.alias },
      running,
      leftovers: () => [...running(), ...sshd.leftovers()],
    };
  },
  { keepsBacklog: true, knowsBundle: true },
);

describe("a host", () => {
  it.each(["me@example.com", "lab", "ssh://me@example.com:2222", "me@[fd00::1]", " lab "])(
    "is %j",
    (text) => {
      expect(destinationOf(text)).toBe(text.trim());
    },
  );

  it.each(["", "-oProxyCommand=touch /tmp/x", "a b", "me@-oProxyCommand", "--", "a\nb"])(
    "is not %j",
    (text) => {
      expect(() => destinationOf(text)).toThrow(/not a host for ssh.*skypipe setup ssh me@example\.com/);
    },
  );

  it.each([
    ["me@example.com", "example.com"],
    ["lab", "lab"],
    ["ssh://me@example.com:2222", "example.com"],
    ["me@[fd00::1]", "fd00--1-"],
    ["@", "ssh"],
  ])("%s is remembered as %s", (destination, name) => {
    expect(nicknameOf(destination)).toBe(name);
  });
});

describe("what ssh says", () => {
  it.each<[said: string, code: string, sentence: RegExp, passes: boolean]>([
    [
      "ssh: connect to host h port 22: Connection refused",
      "unreachable",
      /Connection refused.*ssh h reaches it/,
      true,
    ],
    ["ssh: connect to host h port 22: Connection timed out", "unreachable", /timed out/, true],
    ["kex_exchange_identification: Connection closed by remote host", "unreachable", /kex_exchange/, true],
    ["ssh: Could not resolve hostname h: Name or service not known", "unreachable", /check the name/, false],
    ["Welcome!\nme@h: Permission denied (publickey,password).", "forbidden", /ssh-copy-id h/, false],
    [
      "No ED25519 host key is known for h\nHost key verification failed.",
      "forbidden",
      /log in once with ssh h/,
      false,
    ],
    [
      "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
      "forbidden",
      /another one than before/,
      false,
    ],
    [
      "/home/me/.ssh/config: terminating, 1 bad configuration options",
      "unreachable",
      /mend that file/,
      false,
    ],
    ["something else.", "unreachable", /\(something else\): see whether it works by hand/, false],
    ["", "unreachable", /gave no reason/, false],
  ])("%j is %s", (said, code, sentence, passes) => {
    const error = sshError("h", said, true);
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
    expect(isPassing(error)).toBe(passes);
  });
});

it("the unit is one that systemd understands, whatever the paths", () => {
  const bed = useBed();
  const unit = unitText([process.execPath, '/home/a b/100%/$x/"q"/boot.cjs', "--data", "/plain"]);
  expect(unit).toContain('"/home/a b/100%%/$$x/\\"q\\"/boot.cjs" --data /plain');
  bed.write("skypipe.service", unit);
  execFileSync("systemd-analyze", ["verify", "--user", bed.path("skypipe.service")], {
    env: { ...bed.env, SYSTEMD_LOG_LEVEL: "warning" },
  });
  expect(readdirSync(path.dirname(bed.path("x")))).toContain("skypipe.service");
});
