/** Whether a test runs in part: `npm test` without a suite runs samples, to end in minutes. */
export const isSample = process.env["MACVLAN_TEST_EXTENT"] === "sample";

/** Whether a test tries all that it can, which may take long. */
export const isWhole = process.env["MACVLAN_TEST_EXTENT"] === "all";
