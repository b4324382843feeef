declare const __VERSION__: string | undefined;

/** What this end calls itself in `hello`. The build knows the version; sources that run as they are do not. */
export const SOFTWARE: string = `skypipe/${typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0"}`;
