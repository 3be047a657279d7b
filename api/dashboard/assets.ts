/**
 * The script and the style sheet of the dashboard. They are part of the modules, so that serving
 * them takes no permission to read files, and their names bear a digest of what is in them, so
 * that browsers can keep them until they change.
 *
 * @module
 */
import { createHash } from "node:crypto";
import base from "./base.css" with { type: "text" };
import dialog from "./dialog.css" with { type: "text" };
import media from "./media.css" with { type: "text" };
import script from "./dashboard.js" with { type: "text" };
import parts from "./parts.css" with { type: "text" };

/** A file that the page refers to. */
export interface Asset {
  readonly path: string;
  readonly text: string;
  readonly mediaType: string;
}

const DIGITS = 12;

/** The style sheet. */
export const STYLE: Asset = asset(
  "css",
  [base, parts, dialog, media].join("\n"),
  "text/css",
);

/** The script. */
export const SCRIPT: Asset = asset("js", script, "text/javascript");

function asset(extension: string, text: string, mediaType: string): Asset {
  const digest = createHash("sha256").update(text).digest("hex");
  return {
    path: `/admin/assets/dashboard-${digest.slice(0, DIGITS)}.${extension}`,
    text,
    mediaType: `${mediaType}; charset=utf-8`,
  };
}
