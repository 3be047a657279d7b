/**
 * Times as text, one after the other.
 *
 * @module
 */

const SECOND_MS = 1_000;

/**
 * Writes times as `Date.toISOString()` does. That takes longer than all the rest of encoding an
 * event, and the text of one second differs in three digits only.
 */
export class TimestampWriter {
  #second = NaN;
  #prefix = "";

  /**
   * The text of a time.
   *
   * @param time The time.
   * @returns ISO 8601 with milliseconds, in UTC.
   * @throws {RangeError} If the time is invalid.
   */
  of(time: Date): string {
    const ms = time.getTime();
    const second = Math.floor(ms / SECOND_MS);
    if (second !== this.#second) {
      this.#prefix = time.toISOString().slice(0, -"000Z".length);
      this.#second = second;
    }
    const digits = String(SECOND_MS + ms - second * SECOND_MS).slice(1);
    return `${this.#prefix}${digits}Z`;
  }
}
