// For `node --require`, in the programs and providers of the tests' stacks. When it is imported, Pulumi's SDK loads the
// TypeScript compiler and what reads npm's trees, only to be able to serialise functions, the Automation API, and
// OpenTelemetry for traces of its own. Here all that is loaded when it is used, which happens in none of our tests, and
// the rest comes from a cache: the two processes of a call of the CLI take a third of the CPU.
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const process = require("node:process");
const { FOLDER, useModuleCache } = require("./module-cache.cjs");

/**
 * What is loaded later: the request, the file that makes it, and what that file does with it: looks exports up as it needs
 * them, takes them apart at once, or calls the module, which is a function.
 */
const LATER = [
  [/^\.\.\/\.\.\/typescript-shim$/, /@pulumi\/pulumi\/runtime\/closure\/parseFunction\.js$/, "look up"],
  [/^@npmcli\/arborist$/, /@pulumi\/pulumi\/runtime\/closure\/codePaths\.js$/, "look up"],
  [/^normalize-package-data$/, /@pulumi\/pulumi\/runtime\/closure\/codePaths\.js$/, "call"],
  [/^\.\/automation$/, /@pulumi\/pulumi\/index\.js$/, "look up"],
  [/^@opentelemetry\/(?!api$)/, /@pulumi\/pulumi\/cmd\/run\/tracing\.js$/, "take apart"],
];

// A run also waits for V8's inspector, which tells it about each script, for the errors of functions that cannot be serialised.
const HOOKS = [/^\.\.\/\.\.\/runtime\/closure\/v8Hooks$/, /@pulumi\/pulumi\/cmd\/run\/index\.js$/];

// a program on the command line is not worth a cache; Node.js has one of its own since 22.1
if (process.argv[1] !== undefined) {
  if (Module.enableCompileCache) Module.enableCompileCache(FOLDER);
  else useModuleCache();
}

const load = Module._load;
Module._load = function (request, parent, isMain) {
  if (HOOKS[0].test(request) && HOOKS[1].test(parent?.filename ?? ""))
    return { isInitializedAsync: () => Promise.resolve() };
  const now = () => load.call(this, request, parent, isMain);
  const later = LATER.find(([name, file]) => name.test(request) && file.test(parent?.filename ?? ""));
  return later ? loadedWhenUsed(now, later[2]) : now();
};

/** A module that is loaded when it, or one of its exports, is used. */
function loadedWhenUsed(now, use) {
  let loaded;
  const module = () => (loaded ??= now());
  if (use === "call") return (...values) => module()(...values);
  return new Proxy(
    {},
    {
      // an ES module is not copied by those who import it
      get: (_, key) =>
        key === "__esModule" || (use === "take apart" ? loadedWhenCalled(module, key) : module()[key]),
      has: (_, key) => key in module(),
    },
  );
}

function loadedWhenCalled(module, key) {
  return new Proxy(class {}, {
    apply: (_, self, values) => Reflect.apply(module()[key], self, values),
    construct: (_, values) => Reflect.construct(module()[key], values),
  });
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
