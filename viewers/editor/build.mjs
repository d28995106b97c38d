// Bundles the Dash components into ../assets; React is the one that Dash puts on the page.
import { build } from "esbuild";

await build({
  entryPoints: { editor: "src/dash_components.ts", editor_style: "src/ui/editor.css" },
  outdir: "../assets",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  alias: { react: "./src/dash_react.cjs" },
  legalComments: "linked",
  logLevel: "warning",
});
