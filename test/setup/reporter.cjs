// mocha's spec output, and the figures for the driver in the file that MACVLAN_TEST_FIGURES names.
const { writeFileSync } = require("node:fs");
const process = require("node:process");
const { reporters, Runner } = require("mocha");

module.exports = class Figures extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.MACVLAN_TEST_FIGURES;
    const pending = [];
    const failed = [];
    let running = "";
    const note = (ended) => {
      const { passes, failures } = this.stats;
      const figures = { passes, failures, failed, pending, running, ended };
      if (file) writeFileSync(file, JSON.stringify(figures));
    };
    runner.on(Runner.constants.EVENT_TEST_BEGIN, (test) => {
      running = test.fullTitle();
      note(false);
    });
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => pending.push(test.fullTitle()));
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      const message = String(error?.message ?? error).replace(/\s*\n\s*/g, " | ");
      failed.push(`${test.fullTitle()}: ${message.slice(0, 1200)}`);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => note(true));
  }
};
