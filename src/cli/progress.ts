/**
 * How far things are: a bar each on a terminal, a line now and then elsewhere.
 *
 * @module
 */
import process from "node:process";
import { MultiBar } from "cli-progress";
import type { CommandIo } from "./io.ts";
import { visible } from "./visible_text.ts";

/** How far one thing is. */
export interface Step {
  /** What it is: `"CourseDetails"`. */
  readonly name: string;
  /** What is being done: `"scanning"`. */
  readonly phase: string;
  /** What bars show behind the phase: `", 200000/s"`. @default {nothing} */
  readonly detail?: string;
  /** Units done. */
  readonly value: number;
  /** Units in all. */
  readonly total: number;
  /** How much of the work that is, when units are not all of it. @default {that of the units} */
  readonly percent?: number;
  /** What is counted in this phase: `"documents"`. @default {what the progress was begun for} */
  readonly unit?: string;
}

/** Shows how far things are. Disposing it leaves the last state on the screen. */
export interface Progress extends Disposable {
  /** Shows the newest state of one thing. */
  show(step: Step): void;
}

/** Of the bars, what is used here: the package brings no types. */
interface Bars {
  create(total: number, value: number, payload: BarPayload): Bar;
  stop(): void;
}

interface Bar {
  update(value: number, payload: BarPayload): void;
}

interface BarPayload {
  readonly name: string;
  readonly phase: string;
  /** How many units are done. */
  readonly count: string;
}

/** The bars of names up to this long begin in one column. */
const NAME_WIDTH = 20;

/** So that phase, rate and end fit into 80 columns. */
const BAR_WIDTH = 16;

/** Lines for one phase of one thing, from nothing to everything. */
const LINES_PER_PHASE = 4;

/**
 * Shows progress on standard error.
 *
 * @param io Tells whether somebody watches, and takes lines when nobody does.
 * @param unit What is counted: `"events"`.
 * @param stream Takes the bars. @default {standard error}
 * @returns The progress, empty.
 */
export function startProgress(
  { isTerminal, report }: Pick<CommandIo, "isTerminal" | "report">,
  unit: string,
  stream: NodeJS.WritableStream = process.stderr,
): Progress {
  return isTerminal ? startBars(stream, unit) : startLines(report, unit);
}

function startBars(stream: NodeJS.WritableStream, unit: string): Progress {
  const bars: Bars = new MultiBar({
    stream,
    // What a narrow terminal cuts off comes last.
    format: "{name} {bar} {percentage} % | {phase} | {count} | " +
      "{duration_formatted}",
    barsize: BAR_WIDTH,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    autopadding: true,
    // Who stops the command disposes of this, too.
    gracefulExit: false,
  });
  const byName = new Map<string, Bar>();
  return {
    show(step) {
      const { name, phase, detail = "", value, total } = step;
      const { unit: counted = unit } = step;
      const payload = {
        // What a server says goes to the terminal past the line that makes it harmless elsewhere.
        name: visible(name).padEnd(NAME_WIDTH),
        phase: visible(`${phase}${detail}`),
        count: `${value} of ${total} ${counted}`,
      };
      const percent = percentOf(step);
      const bar = byName.get(name) ?? bars.create(100, percent, payload);
      byName.set(name, bar);
      bar.update(percent, payload);
    },
    [Symbol.dispose]: () => bars.stop(),
  };
}

function startLines(report: (line: string) => void, unit: string): Progress {
  const reported = new Map<string, string>();
  const lines = new Map<string, string>();
  return {
    show(step) {
      const { name, phase, value, total, unit: counted = unit } = step;
      const part = Math.floor(percentOf(step) * LINES_PER_PHASE / 100);
      const state = `${phase} ${part}`;
      if (reported.get(name) === state) return;
      reported.set(name, state);
      const line = `${name}: ${phase}, ${value} of ${total} ${counted}`;
      if (lines.get(name) === line) return;
      lines.set(name, line);
      report(line);
    },
    [Symbol.dispose]() {},
  };
}

/** Nothing to do is all done. */
function percentOf({ value, total, percent }: Step): number {
  return percent ?? (total === 0 ? 100 : value * 100 / total);
}
