import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: [".dependency-cruiser.cjs", "dist/", "docs/api/", "**/node_modules/", "test/fixtures/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
    },
  },
  {
    files: ["test/**/*.test.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        ...[
          ["performance", "now"],
          ["Date", "now"],
        ].map(([object, property]) => ({
          object,
          property,
          message:
            "A busy machine takes longer. Pass a clock (test/support/clock.ts), wait with eventually(), or compare what came first.",
        })),
      ],
    },
  },
);
