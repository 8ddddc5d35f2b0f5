// BENCH_DRIFT names the host of which one resource is to be updated, as a drifted link is.
const process = require("node:process");

module.exports = {
  check: async (olds, news) => ({ inputs: news }),
  diff: async (id, olds, news) => ({
    changes: news.name === "web" && news.host === process.env.BENCH_DRIFT,
    replaces: [],
    deleteBeforeReplace: true,
  }),
  create: async (inputs) => ({ id: `${inputs.host}/${inputs.name}`, outs: inputs }),
  read: async (id, props) => ({ id, props }),
  update: async (id, olds, news) => ({ outs: news }),
  delete: async () => undefined,
};
