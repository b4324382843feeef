/**
 * Ends a run's output with one plain line, `N passed, N failed` or `N passed, N failed, N skipped`, counted in
 * tests. What fails without being a test (a file that does not load, a hook, an error that nobody caught) counts as
 * one failure, so that a line with `0 failed` always means a green run. Every skipped test is named with its
 * reason; with CI=true a skipped test makes the run fail.
 */
import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from "vitest/node";

type Skipped = { title: string; reason: string };

export class ClosingLine implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === "passed").length;
    const skipped = tests.filter((test) => test.result().state === "skipped").map(describeSkip);
    const brokenSuites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    let failed =
      tests.length -
      passed -
      skipped.length +
      unhandledErrors.length +
      brokenSuites.filter((suite) => suite.errors().length > 0).length;
    if (failed === 0 && reason === "failed") failed = 1;

    for (const { title, reason: why } of skipped) this.#print(`skipped: ${title} (${why})`);
    if (skipped.length > 0 && process.env.CI === "true") {
      this.#print("With CI=true nothing may be skipped: this run has failed.");
      process.exitCode = 1;
    }
    this.#print(
      `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`,
    );
  }

  #print(line: string): void {
    this.#vitest?.logger.log(line);
  }
}

function describeSkip(test: TestCase): Skipped {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return { title: `${test.module.relativeModuleId} > ${test.fullName}`, reason: note ?? "no reason given" };
}
