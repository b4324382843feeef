/**
 * Runs before all else, as others ask for the home when they are loaded. A user without one, as in many containers, keeps
 * settings and caches nowhere: no reason to end before anything is done.
 */
import os from "node:os";

try {
  os.homedir();
} catch {
  process.env.HOME = "/nonexistent"; // as Debian calls it: who wants to keep something there says that it cannot
}
