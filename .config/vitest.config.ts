import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { ClosingLine } from "../test/support/closing-line.ts";

const config: ViteUserConfig = defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    pool: "forks",
    fileParallelism: true,
    // Much of what the tests do is wait for others.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", new ClosingLine()],
    coverage: { provider: "v8", include: ["satellite/**/*.ts", "cli/**/*.ts", "deploy/**/*.ts"] },
  },
});

export default config;
