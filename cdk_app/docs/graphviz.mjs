// Graphviz, compiled to WebAssembly: DOT on standard input, its layout as JSON on standard output.
import { readFileSync } from "node:fs";
import { instance } from "@viz-js/viz";

const viz = await instance();
process.stdout.write(viz.renderString(readFileSync(0, "utf8"), { format: "json0", engine: "dot" }));
