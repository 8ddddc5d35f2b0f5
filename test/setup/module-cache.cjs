// Modules of packages and of dist, as V8 has compiled them, and where they were found: kept between the processes of the
// tests' stacks, as each of them loads the same hundreds of files. A changed file is compiled again. This is for Node.js 20:
// later ones have such a cache (module.enableCompileCache).
const { Buffer } = require("node:buffer");
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { basename, dirname, join } = require("node:path");
const process = require("node:process");
const { Script } = require("node:vm");

const REPOSITORY = join(module.path, "../..");
const KEPT = [join(REPOSITORY, "node_modules/"), join(REPOSITORY, "dist/")];
const FOLDER = join(REPOSITORY, "node_modules/.cache/modules");

/** What a script of its own cannot have: a first line for the system, and imports that node is asked for. */
const NOT_CACHED = /^#!|\bimport\(/;

/** Whether it is a file that stays where it is while tests run. */
const isKept = (file) => KEPT.some((folder) => file.startsWith(folder));

/** When a file or a folder was changed last, and its size. */
function stateOf(path) {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}

/** One file for each program that node runs, as they load different modules. */
function openCache(file) {
  // a build and an installation make these anew: then modules may be elsewhere
  const places = KEPT.map((folder) => statSync(folder).mtimeMs).join(" ");
  const empty = { places, found: {}, scripts: {} };
  let bytes;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return { ...empty, code: Buffer.alloc(0) };
  }
  const end = 4 + bytes.readUInt32LE(0);
  const kept = JSON.parse(bytes.subarray(4, end).toString());
  return {
    ...(kept.places === places ? kept : { ...empty, scripts: kept.scripts }),
    code: bytes.subarray(end),
  };
}

/** Lets modules come from the cache, and writes it at the end if there are others. */
function useModuleCache() {
  const program = [basename(dirname(process.argv[1])), basename(process.argv[1])].join("-");
  const file = join(FOLDER, `${program}-${process.version}.bin`);
  const cache = openCache(file);
  const compiled = new Map();
  let isNew = false;

  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, parent, isMain, options) {
    const from = parent?.filename;
    if (!from || isMain || options || !isKept(from))
      return resolve.call(this, request, parent, isMain, options);
    const key = `${dirname(from)}\n${request}`;
    const known = cache.found[key];
    if (known !== undefined) return known;
    const found = resolve.call(this, request, parent, isMain, options);
    if (isKept(found) || Module.isBuiltin(found)) {
      cache.found[key] = found;
      isNew = true;
    }
    return found;
  };

  const compile = Module.prototype._compile;
  Module.prototype._compile = function (content, filename, ...others) {
    if (!isKept(filename) || others[0] === "module" || NOT_CACHED.test(content))
      return compile.call(this, content, filename, ...others);
    const state = stateOf(filename);
    const known = cache.scripts[filename];
    const cachedData =
      known?.state === state ? cache.code.subarray(known.from, known.from + known.length) : undefined;
    const script = new Script(Module.wrap(content), {
      filename,
      cachedData,
    });
    if (cachedData === undefined || script.cachedDataRejected) isNew = true;
    compiled.set(filename, { script, state });
    const run = script.runInThisContext();
    return run.call(this.exports, this.exports, requireOf(this), this, filename, dirname(filename));
  };

  process.on("exit", () => {
    if (isNew) writeCache(file, cache, compiled);
  });
}

/** The `require` of a module. */
function requireOf(module) {
  const require = (request) => module.require(request);
  require.resolve = (request, options) => Module._resolveFilename(request, module, false, options);
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
  require.main = process.mainModule;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

/** Writes what was kept and what is new, at once: other processes read it meanwhile. */
function writeCache(file, cache, compiled) {
  const scripts = {};
  const code = [];
  let length = 0;
  const add = (filename, state, data) => {
    scripts[filename] = { state, from: length, length: data.length };
    code.push(data);
    length += data.length;
  };
  for (const [filename, { script, state }] of compiled) add(filename, state, script.createCachedData());
  for (const [filename, { state, from, length: size }] of Object.entries(cache.scripts))
    // of another clone with the same files in node_modules, or gone
    if (!compiled.has(filename) && isKept(filename))
      add(filename, state, cache.code.subarray(from, from + size));
  const head = Buffer.from(JSON.stringify({ places: cache.places, found: cache.found, scripts }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${file}.${process.pid}`, Buffer.concat([size, head, ...code]));
  renameSync(`${file}.${process.pid}`, file);
}

module.exports = { FOLDER, useModuleCache };
