// The script of the dashboard. The server renders everything; this keeps it up to date, asks
// before anything is done, and draws what was over time. It needs nothing but the browser.

import { startSampling } from "./charts.js";
import { startAsking } from "./dialog.js";
import { watch } from "./feed.js";
import { startRefreshing } from "./live.js";

document.documentElement.dataset.script = "";
startAsking();
startRefreshing();
startSampling();
watch();
