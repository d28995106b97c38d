// Bundles the Dash components into ../assets, and what stands in the head of the page; React is the one that Dash puts there.
import { build } from "esbuild";

await build({
  entryPoints: { editor: "src/dash_components.ts", editor_style: "src/ui/editor.css", head: "src/head.ts" },
  outdir: "../assets",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  alias: { react: "./src/dash_react.cjs" },
  legalComments: "linked",
  logLevel: "warning",
});
