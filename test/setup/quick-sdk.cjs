// For `node --require`, in the programs and providers of the tests' stacks. When it is imported, Pulumi's SDK loads the
// TypeScript compiler, and what reads npm's trees, only to be able to serialise functions. Here both are loaded when they
// are used, which our providers never do: two processes per call of the CLI save 0.8 s of CPU each.
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const process = require("node:process");

/** What is loaded later: the request, and the file that makes it. */
const LATER = [
  ["../../typescript-shim", /@pulumi\/pulumi\/runtime\/closure\/parseFunction\.js$/],
  ["@npmcli/arborist", /@pulumi\/pulumi\/runtime\/closure\/codePaths\.js$/],
];

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const now = () => load.call(this, request, parent, isMain);
  const isLater = LATER.some(([name, file]) => request === name && file.test(parent?.filename ?? ""));
  return isLater ? loadedWhenUsed(now) : now();
};

function loadedWhenUsed(now) {
  let loaded;
  const module = () => (loaded ??= now());
  return new Proxy(
    {},
    {
      // an ES module is not copied by those who import it
      get: (_, key) => key === "__esModule" || module()[key],
      has: (_, key) => key in module(),
    },
  );
}

// The language host that is built from Go modules does not heed this setting of the project, as those of releases do.
if (projectFile().includes("typescript: false")) delete process.env.PULUMI_NODEJS_TYPESCRIPT;

function projectFile() {
  try {
    return readFileSync("Pulumi.yaml", "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}
