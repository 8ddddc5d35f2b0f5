// Milliseconds that loading takes: the modules named after the first, over it. `-` is no first one.
const { createRequire } = require("node:module");
const process = require("node:process");
const { performance } = require("node:perf_hooks");

const [, , folder, first, ...others] = process.argv;
const load = createRequire(`${folder}/`);
if (first !== "-") load(first);
const began = performance.now();
for (const name of others) load(name);
process.stdout.write(String(performance.now() - began));
