import { Command } from "commander";

declare const __VERSION__: string;

new Command("skypipe").description("Named pipes in the sky").version(__VERSION__).parse();
