/** The page in a real browser: what a person sees, sends and receives, against ends of the command. */
import { createHash } from "node:crypto";
import { createReadStream, writeFileSync } from "node:fs";
import type { Download } from "playwright-core";
import { describe, expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { MiB, noise, noiseFile, sha256OfFile } from "../support/bytes.ts";
import { RoughLink } from "../support/rough-link.ts";
import { useBed } from "../support/use-bed.ts";
import { hasChromium, useBrowser, Visit } from "./browser.ts";

const token = "a token of this test only";
const patiently = { timeout: 60_000 };

async function bedWithToken(): Promise<{ bed: Bed; url: string; port: number }> {
  const bed = useBed();
  bed.env.SKYPIPE_TOKEN = token;
  return { bed, ...(await bed.satellite()) };
}

async function sha256OfDownload(download: Download): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(await download.path())) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

describe.skipIf(!hasChromium)("the page", { timeout: 120_000 }, () => {
  const browser = useBrowser();

  it("[H-22] asks for a token, says when one is wrong, and keeps the right one in this tab", async () => {
    const { url } = await bedWithToken();
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await page.getByLabel("Token or link").waitFor();
    await visit.look("sign-in");
    await page.getByLabel("Token or link").fill("a wrong one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("token").waitFor();

    await visit.signIn(token);
    await page.reload();
    await visit.isConnected();
    expect(page.url()).not.toContain("token");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.reload();
    await page.getByLabel("Token or link").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  it("shows all pipes, and one as it runs: colours, search, pause", async () => {
    const { bed, url } = await bedWithToken();
    const writer = bed.skypipe(["send", "logs"], { stdin: "socket" });
    await bed.shell("echo waits | skypipe other").exits(0);
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await visit.signIn(token);
    await page.getByRole("row", { name: /^other/ }).waitFor();
    await page.getByRole("button", { name: "logs", exact: true }).click();
    await page.getByText("Nothing has come").waitFor();
    await bed.pipe("logs", { writers: 1, taps: 1 });
    await writer.write("\u001b[31mred\u001b[0m apple\ngreen pear\n");
    await page.locator(".ansi-red", { hasText: "red" }).waitFor();
    await page.getByRole("row", { name: /^logs \d+ B\/s/ }).waitFor();
    await visit.look("look");

    const lines = page.getByRole("log").locator(".line");
    await page.getByLabel("Search what is shown").fill("PEAR");
    await expect.poll(() => lines.allTextContents(), patiently).toEqual(["green pear"]);
    await page.getByLabel("Search what is shown").fill("");
    await page.getByRole("button", { name: "Pause" }).click();
    await writer.write("while it was paused\n");
    await bed.pipe("logs", { bytes: 50 });
    expect(await lines.count()).toBe(2);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("while it was paused").waitFor();
    writer.end();
    await writer.exits(0);
    expect((await bed.skypipe(["logs"]).exits(0)).out).toContain("green pear"); // looking took nothing
    expect(visit.complaints).toEqual([]);
  });

  it("sends a text, files and a folder, each safe before it says so", async () => {
    const { bed, url } = await bedWithToken();
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await visit.signIn(token);
    await visit.open("letters");
    await visit.tab("Send");
    await page.getByLabel("A text, as one stream").fill("from a page");
    await page.getByRole("button", { name: "Send to letters" }).click();
    await page.getByText("is safe").waitFor();
    expect((await bed.skypipe(["letters"]).exits(0)).out).toBe("from a page\n");

    const hashes = [1, 2].map((seed) => noiseFile(bed.path(`file-${seed}.bin`), 3 * MiB + seed, seed));
    writeFileSync(bed.path("empty.bin"), "");
    const files = ["file-1.bin", "file-2.bin", "empty.bin"].map((name) => bed.path(name));
    await page.getByLabel("Choose files").setInputFiles(files);
    await expect.poll(() => page.getByText("is safe").count(), patiently).toBe(4);
    await visit.look("send");
    const got = [1, 2, 3].map((at) => bed.path(`got-${at}`));
    for (const file of got) await bed.skypipe(["recv", "letters", "-o", file]).exits(0);
    const received = await Promise.all(got.map(sha256OfFile));
    expect(new Set(received)).toEqual(new Set([...hashes, createHash("sha256").digest("hex")]));
    expect(visit.complaints).toEqual([]);
  });

  it("receives onto the disk, in constant memory", async () => {
    const { bed, url } = await bedWithToken();
    const hash = noiseFile(bed.path("large.bin"), 100 * MiB, 7);
    await bed.skypipe(["send", "files", bed.path("large.bin")]).exits(0);
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await visit.signIn(token);
    await visit.open("files");
    await visit.tab("Receive");
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Receive as a file" }).click();
    const download = await coming;
    await page.getByText("Complete.").waitFor({ timeout: 60_000 });
    expect(download.suggestedFilename()).toBe("large.bin");
    expect(await sha256OfDownload(download)).toBe(hash);
    const client = await visit.context.newCDPSession(page);
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    expect(usedSize).toBeLessThan(40 * MiB);
    await bed.pipe("files", { streams: 0 });
    await visit.look("receive");
  });

  it("never leaves half a file under its name", async () => {
    const { bed, url } = await bedWithToken();
    const visit = await Visit.to(browser(), url);
    await visit.signIn(token);
    await visit.open("files");
    await visit.tab("Receive");
    const writer = bed.skypipe(["send", "files", "--whole"], { stdin: "socket" });
    await writer.write(noise(MiB, 1));
    const coming = visit.page.waitForEvent("download");
    await visit.page.getByRole("button", { name: "Receive as a file" }).click();
    const broken = await coming;
    writer.kill("SIGINT");
    await writer.exits(130);
    expect(await broken.failure()).not.toBeNull();
  });

  it("shows a short text, and leaves a long one in the pipe", async () => {
    const { bed, url } = await bedWithToken();
    await bed.shell("echo a short text | skypipe notes").exits(0);
    await bed.shell("seq 1 300000 | skypipe notes").exits(0);
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await visit.signIn(token);
    await visit.open("notes");
    await visit.tab("Receive");
    await page.getByRole("button", { name: "Receive and show a text" }).click();
    await page.getByText("a short text", { exact: false }).waitFor();
    await page.getByText("Complete.").waitFor();
    await page.getByRole("button", { name: "Receive and show a text" }).click();
    await page.getByText("it is still in the pipe").waitFor();
    await bed.pipe("notes", { streams: 1, readers: 0 });
  });

  it("makes a link that a second person opens, on a phone, and ends it", async () => {
    const { bed, url } = await bedWithToken();
    await bed.shell("echo for you | skypipe gift").exits(0);
    await bed.shell("echo secret | skypipe private").exits(0);
    const visit = await Visit.to(browser(), url);
    await visit.signIn(token);
    await visit.open("gift");
    await visit.tab("Share");
    await visit.page.getByRole("button", { name: "Make a link to gift" }).click();
    const link = await visit.page.getByLabel("Whoever has this link").inputValue();
    await visit.page.getByRole("img", { name: "QR code" }).waitFor();
    await visit.look("share");

    const guest = await Visit.to(browser(), link, true);
    await guest.isConnected();
    await guest.look("guest-phone");
    expect(await guest.page.getByRole("tab").allTextContents()).toEqual(["Look", "Receive"]);
    expect(await guest.page.getByText("private").count()).toBe(0);
    await guest.tab("Receive");
    await guest.page.getByRole("button", { name: "Receive and show a text" }).click();
    await guest.page.getByText("for you").waitFor();

    await visit.page.getByRole("button", { name: "End it" }).click();
    await visit.page.getByText("There are none.").waitFor();
    await guest.page.reload();
    await guest.page.getByLabel("Token or link").waitFor();
    expect([...visit.complaints, ...guest.complaints]).toEqual([]);
  });

  it("[S-4] goes on where it was when the connection is cut, byte for byte", async () => {
    const { bed, port } = await bedWithToken();
    const link = await RoughLink.to(port);
    const hash = noiseFile(bed.path("large.bin"), 24 * MiB, 3);
    const visit = await Visit.to(browser(), link.url);
    const { page } = visit;
    await visit.signIn(token);
    await visit.open("cut");
    await visit.tab("Send");
    link.cutAt([3, 9, 15].map((at) => at * MiB));
    await page.getByLabel("Choose files").setInputFiles(bed.path("large.bin"));
    await page.getByText("is safe").waitFor({ timeout: 60_000 });
    expect(link.cuts).toBe(3);

    link.cutAt([30, 36, 42].map((at) => at * MiB));
    await visit.tab("Receive");
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Receive as a file" }).click();
    const download = await coming;
    await page.getByText("Complete.").waitFor();
    expect(await sha256OfDownload(download)).toBe(hash);
    expect(link.cuts).toBeGreaterThan(3);
    await link.close();
  });

  it("opens what the command has sealed, and seals what the command opens, also by a link", async () => {
    const { bed, url } = await bedWithToken();
    bed.env.SKYPIPE_KEY = createHash("sha256").update("a key of this test only").digest("base64url");
    const key = (await bed.skypipe(["keys", "export", "--yes"]).exits(0)).out.trim();
    await bed.shell("echo sealed by the command | skypipe sealed").exits(0);
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await page.getByLabel("Key, as skypipe").fill(key);
    await visit.signIn(token);
    await visit.open("sealed");
    await visit.tab("Receive");
    await page.getByRole("button", { name: "Receive and show a text" }).click();
    await page.getByText("sealed by the command").waitFor();

    await visit.tab("Send");
    const hash = noiseFile(bed.path("sealed.bin"), 3 * MiB + 1, 5);
    await page.getByLabel("Choose files").setInputFiles(bed.path("sealed.bin"));
    await page.getByText("is safe, and sealed").waitFor();
    await visit.tab("Share");
    await page.getByRole("button", { name: "Make a link to sealed" }).click();
    const link = await page.getByLabel("Whoever has this link").inputValue();
    await bed.skypipe(["recv", "sealed", "-o", bed.path("got.bin")]).exits(0);
    expect(await sha256OfFile(bed.path("got.bin"))).toBe(hash);

    await bed.skypipe(["send", "sealed", bed.path("sealed.bin")]).exits(0);
    const guest = await Visit.to(browser(), link);
    await guest.isConnected();
    await guest.tab("Receive");
    const coming = guest.page.waitForEvent("download");
    await guest.page.getByRole("button", { name: "Receive as a file" }).click();
    const download = await coming;
    await guest.page.getByText("Complete.").waitFor();
    expect(download.suggestedFilename()).toBe("sealed.bin");
    expect(await sha256OfDownload(download)).toBe(hash);

    await bed.shell("echo open | skypipe send sealed --plain").exits(0);
    await guest.page.getByRole("button", { name: "Receive and show a text" }).click();
    await guest.page.getByText("The stream is not sealed").waitFor();
    await bed.pipe("sealed", { streams: 1, readers: 0 });
    expect([...visit.complaints, ...guest.complaints]).toEqual([]);
  });

  it("can be used by keys alone", async () => {
    const { bed, url } = await bedWithToken();
    await bed.shell("echo kept | skypipe board").exits(0);
    const visit = await Visit.to(browser(), url);
    const { page } = visit;
    await visit.signIn(token);
    await page.getByRole("button", { name: "board", exact: true }).press("Enter");
    await page.getByRole("tab", { name: "Look" }).press("ArrowRight");
    await expect.poll(() => page.getByRole("tab", { selected: true }).textContent(), patiently).toBe("Send");
    await page.keyboard.press("ArrowLeft");
    await page.getByRole("button", { name: "Drop", exact: true }).press("Enter");
    await page.getByRole("button", { name: "Drop it" }).press("Enter");
    await page.getByText("Dropped 1 streams").waitFor();
    await bed.pipe("board", { streams: 0 });
  });
});
