/** The provider for hosts of one's own, over a real ssh: as every provider, and what is its own. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Talk } from "../../deploy/provider.ts";
import { destinationOf, nicknameOf } from "../../deploy/ssh/destination.ts";
import { isPassing, sshError } from "../../deploy/ssh/explain.ts";
import { bootstrap } from "../../deploy/ssh/program.ts";
import { unitText } from "../../deploy/ssh/remote/systemd.ts";
import { sshProvider } from "../../deploy/ssh/ssh.ts";
import type { Bed } from "../support/bed.ts";
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
  { keepsBacklog: true, knowsBundle: true, keepsKeys: true },
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

/** What comes out of a host with nothing but these programs. */
function found(bed: Bed, env: NodeJS.ProcessEnv = {}, shell = "/bin/sh"): string {
  for (const tool of ["sh", "tail"]) {
    if (!existsSync(bed.path(`tools/${tool}`))) bed.link(`tools/${tool}`, `/usr/bin/${tool}`);
  }
  const places = ["$HOME/.nvm/versions/node/*/bin/node", "$HOME/none/node"];
  const there = { HOME: bed.dir, PATH: bed.path("tools"), SHELL: bed.path("login"), ...env };
  return execFileSync(shell, ["-c", bootstrap(places)], {
    env: there,
    input: "console.log('program')",
  }).toString();
}

describe("Node on the host", () => {
  it("is on the path, or where people have it, or known to their login shell", () => {
    const bed = useBed();
    expect(found(bed)).toContain("skypipe-no-node:none");
    bed.write("login", `#!/bin/sh\necho Welcome\necho ${process.execPath}\n`, 0o755);
    expect(found(bed)).toBe("program\n");
    bed.write("login", "#!/bin/sh\nexit 1\n", 0o755);
    bed.write(".nvm/versions/node/v18/bin/node", "#!/bin/sh\necho v18.19.0\n[ $1 = --version ]\n", 0o755);
    expect(found(bed)).toContain("skypipe-no-node:v18.19.0");
    bed.link(".nvm/versions/node/v99/bin/node", process.execPath);
    expect(found(bed)).toBe("program\n");
    expect(
      found(bed, { HOME: "/nonexistent", PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` }),
    ).toBe("program\n");
  });

  it.each(["bash", "dash", "zsh", "fish", "tcsh"])("is found from %s", (shell) => {
    const bed = useBed();
    bed.link(".nvm/versions/node/v99/bin/node", process.execPath);
    expect(found(bed, {}, `/usr/bin/${shell}`)).toBe("program\n");
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
});

it("ssh gets none of the command's secrets, and does not wait for a connection that is cut", async () => {
  const bed = useBed();
  const script = `#!/bin/sh\nenv >'${bed.path("env")}'; echo "$@" >'${bed.path("args")}'; exit 255\n`;
  bed.write("stubs/ssh", script, 0o755);
  const secrets = { SKYPIPE_TOKEN: "s1", SKYPIPE_KEY: "s2", SKYPIPE_PASSPHRASE: "s3", SKYPIPE_LINK: "s4" };
  const env = { ...bed.env, ...secrets, PATH: `${bed.path("stubs")}:/usr/bin:/bin` };
  await expect(sshProvider(env).find({ host: "lab" })).rejects.toMatchObject({ code: "unreachable" });
  expect(readFileSync(bed.path("env"), "utf8")).not.toMatch(/SKYPIPE_(TOKEN|KEY|PASSPHRASE|LINK)/);
  expect(readFileSync(bed.path("args"), "utf8")).toMatch(/ServerAliveInterval=\d/);
});

it("--port without --url is refused before anybody logs in", async () => {
  const talk: Talk = { ask: null, tell: () => undefined, wishes: { yes: true, port: 8080 } };
  const deployed = sshProvider({ PATH: "/nonexistent" }).deploy({ host: "lab" }, talk);
  await expect(deployed).rejects.toThrow(
    /--port is where a reverse proxy finds the satellite: say --url too/,
  );
});
