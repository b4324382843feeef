/** Debian's Chromium, driven as a person would drive it, with everything noted that a person would not see. */
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";

const program: string = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** A person would have given up; less than a test may take, so that it is told what did not come. */
const WAIT_MS = 60_000;
/** Left there to be looked at; git does not keep them. */
const pictures: string = fileURLToPath(new URL("../../coverage/pictures", import.meta.url));

export const hasChromium: boolean = existsSync(program);
if (!hasChromium) {
  const missing = `${program} is not there: apt-get install chromium, or set CHROMIUM`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`the page is not tested: ${missing}`);
}

/** A browser for the tests of the suite that calls this; to be asked for while they run. */
export function useBrowser(): () => Browser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => browser.close());
  return () => browser;
}

async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** One person's window. */
export class Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the console said in anger, and requests that went elsewhere. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.context = context;
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    context.on("request", (request) => {
      const to = new URL(request.url()).origin.replace(/^ws/, "http");
      if (to !== origin) this.complaints.push(`a request to ${request.url()}`);
    });
  }

  /** Opens the page at this address. */
  static async to(browser: Browser, address: string, phone = false): Promise<Visit> {
    const context = await browser.newContext({
      viewport: phone ? { width: 390, height: 800 } : { width: 1200, height: 800 },
      hasTouch: phone,
      acceptDownloads: true,
    });
    onTestFinished(async () => context.close());
    context.setDefaultTimeout(WAIT_MS);
    const visit = new Visit(context, await context.newPage(), new URL(address).origin);
    await visit.page.goto(address);
    return visit;
  }

  async signIn(token: string): Promise<void> {
    await this.page.getByLabel("Token or link").fill(token);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.isConnected();
  }

  async isConnected(): Promise<void> {
    await this.page.getByText("connected", { exact: true }).waitFor();
  }

  /** Opens a pipe by its name. */
  async open(pipe: string): Promise<void> {
    await this.page.getByLabel("Find or open a pipe by its name").fill(pipe);
    await this.page.getByRole("button", { name: "Open", exact: true }).click();
  }

  async tab(name: string): Promise<void> {
    await this.page.getByRole("tab", { name }).click();
  }

  /** A picture for people, in light and in dark, and what axe-core has to say about either. */
  async look(name: string): Promise<void> {
    mkdirSync(pictures, { recursive: true });
    for (const colorScheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme });
      await this.page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`) });
      const { violations } = await new AxeBuilder({ page: this.page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`);
      if (found.length > 0) throw new Error(`axe-core minds ${found.join("; ")}`);
    }
  }
}
