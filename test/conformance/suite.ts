/** One black-box suite that every satellite passes, whatever it is made of and wherever it runs: it gets a URL. */
import { connectionSuite } from "./connection.ts";
import { parts, type Start } from "./harness.ts";
import { lawOfBroadcast } from "./law-broadcast.ts";
import { lawOfCrowds } from "./law-crowd.ts";
import { lawOfDelivery } from "./law-delivery.ts";
import { lawOfEndings } from "./law-endings.ts";
import { lawOfMerging } from "./law-merge.ts";
import { lawOfSharing } from "./law-share.ts";
import { lawOfSlowness } from "./law-slow.ts";
import { limitsSuite } from "./limits.ts";
import { readerSuite } from "./reader.ts";
import { requestsSuite } from "./requests.ts";
import { resumeSuite } from "./resume.ts";
import { sessionSuite } from "./session.ts";
import { writerSuite } from "./writer.ts";

export interface SuiteOptions {
  /** The satellite's sessions and streams outlive it [S-9]; `start` then begins with an empty one each time. */
  readonly keepsJournal?: boolean;
}

/** Registers the whole suite. `start` gives an empty satellite with the limits that a test wants. */
export function satelliteSuite(start: Start, options: SuiteOptions = {}): void {
  parts(start, {
    connection: connectionSuite,
    session: (begin) => {
      sessionSuite(begin, options.keepsJournal ?? false);
    },
    requests: requestsSuite,
    resume: resumeSuite,
    writer: writerSuite,
    reader: readerSuite,
    "the law of delivery": lawOfDelivery,
    "the law of broadcast": lawOfBroadcast,
    "the law of merging": lawOfMerging,
    "the law of endings": lawOfEndings,
    "the law of sharing": lawOfSharing,
    "the law of slowness": lawOfSlowness,
    "the law of crowds": lawOfCrowds,
    limits: limitsSuite,
  });
}
