/**
 * The script and the style sheet of the dashboard. They are part of the modules, so that serving
 * them takes no permission to read files, and their paths bear a digest of what is in them, so
 * that browsers can keep them until they change. The script is several modules, which name each
 * other by relative paths: they stand in one folder, with one digest.
 *
 * @module
 */
import { createHash } from "node:crypto";
import base from "./base.css" with { type: "text" };
import dialog from "./dialog.css" with { type: "text" };
import media from "./media.css" with { type: "text" };
import parts from "./parts.css" with { type: "text" };
import chartsScript from "./script/charts.js" with { type: "text" };
import connectionScript from "./script/connection.js" with { type: "text" };
import dialogScript from "./script/dialog.js" with { type: "text" };
import feedScript from "./script/feed.js" with { type: "text" };
import focusScript from "./script/focus.js" with { type: "text" };
import liveScript from "./script/live.js" with { type: "text" };
import mainScript from "./script/main.js" with { type: "text" };
import morphScript from "./script/morph.js" with { type: "text" };
import noticesScript from "./script/notices.js" with { type: "text" };
import outcomeScript from "./script/outcome.js" with { type: "text" };

/** A file that the page refers to. */
export interface Asset {
  readonly path: string;
  readonly text: string;
  readonly mediaType: string;
}

const FOLDER = "/admin/assets";
const DIGITS = 12;

const STYLES = [base, parts, dialog, media].join("\n");

/** The style sheet. */
export const STYLE: Asset = {
  path: `${FOLDER}/dashboard-${digestOf(STYLES)}.css`,
  text: STYLES,
  mediaType: "text/css; charset=utf-8",
};

const MODULES: Readonly<Record<string, string>> = {
  main: mainScript,
  charts: chartsScript,
  connection: connectionScript,
  dialog: dialogScript,
  feed: feedScript,
  focus: focusScript,
  live: liveScript,
  morph: morphScript,
  notices: noticesScript,
  outcome: outcomeScript,
};

const SCRIPT_FOLDER = `${FOLDER}/script-${digestOf(JSON.stringify(MODULES))}`;

/** Path of the module that imports the others. */
export const SCRIPT_PATH: string = `${SCRIPT_FOLDER}/main.js`;

/** The modules of the script. */
export const SCRIPTS: readonly Asset[] = Object.entries(MODULES).map((
  [name, text],
) => ({
  path: `${SCRIPT_FOLDER}/${name}.js`,
  text,
  mediaType: "text/javascript; charset=utf-8",
}));

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}
