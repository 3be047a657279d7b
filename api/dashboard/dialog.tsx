/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * The dialog in which everything is confirmed, and the plan that it shows.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { RebuildPlan } from "../../mod.ts";
import { about, bytes, count, countOf, REASONS } from "./words.ts";

/** The dialog. The script fills it in. */
export function ConfirmDialog(): JSX.Element {
  return (
    <dialog id="confirm" aria-labelledby="confirm-title">
      <form>
        <h2 id="confirm-title"></h2>
        <p id="confirm-text"></p>
        <div id="confirm-plan" aria-live="polite"></div>
        <fieldset id="confirm-rebuild" hidden>
          <label for="confirm-note">Why? (optional, for the history)</label>
          <input id="confirm-note" name="note" maxlength={256} />
          <label class="check">
            <input type="checkbox" name="slowly" /> One projection at a time
          </label>
          <label class="check">
            <input type="checkbox" name="verify" />{" "}
            Compare with what serves before the swap
          </label>
          <label class="check">
            <input type="checkbox" name="manual" /> Wait until I promote it
          </label>
        </fieldset>
        <p id="confirm-problem" class="problem" role="alert" hidden></p>
        <div class="buttons">
          <button type="button" id="confirm-close">Close</button>
          <button type="submit" id="confirm-go" class="main"></button>
        </div>
      </form>
    </dialog>
  );
}

/**
 * What a rebuild would do, and what it would take.
 *
 * @param plan The plan.
 * @returns HTML without a document around it.
 */
export function planFragment(plan: RebuildPlan): string {
  return String(<Plan plan={plan} />);
}

function Plan({ plan }: { readonly plan: RebuildPlan }): JSX.Element {
  const { projections, events, estimatedDuration } = plan;
  const { estimatedBytes, freeBytes } = plan;
  const planned = projections.filter(({ rebuild }) => rebuild);
  if (planned.length === 0) return <NothingPlanned plan={plan} />;
  const isTooLarge = freeBytes !== null && estimatedBytes > freeBytes;
  return (
    <>
      <table
        class="plan"
        data-names={planned.map((each) => each.projectionName).join(",")}
      >
        <caption class="unseen">What would be rebuilt</caption>
        <thead>
          <tr>
            <th scope="col">Projection</th>
            <th scope="col">Why</th>
            <th scope="col" class="number">Events</th>
          </tr>
        </thead>
        <tbody>
          {planned.map((each) => (
            <tr>
              <th scope="row">{each.projectionName}</th>
              <td>{REASONS[each.reason]}</td>
              <td class="number">{count(each.events)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl class="plan-totals">
        <div>
          <dt>Events to read</dt>
          <dd>{count(events)}</dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>
            {estimatedDuration === null
              ? "unknown: none was measured yet"
              : about(estimatedDuration)}
          </dd>
        </div>
        <div>
          <dt>Disk</dt>
          <dd>
            {bytes(estimatedBytes)}
            {freeBytes === null ? "" : ` of ${bytes(freeBytes)} free`}
          </dd>
        </div>
      </dl>
      <LeftAlone plan={plan} />
      {isTooLarge
        ? (
          <p class="problem">
            It does not fit on the disk, and will be refused.
          </p>
        )
        : null}
    </>
  );
}

function NothingPlanned({ plan }: { readonly plan: RebuildPlan }): JSX.Element {
  const { length } = plan.projections.filter(({ reason }) =>
    reason === "upToDate"
  );
  return (
    <div data-nothing>
      <p>
        <strong>Nothing is to be rebuilt</strong>
        {length === 0
          ? "."
          : `: ${countOf(length, "projection")} ${
            length === 1 ? "is" : "are"
          } up to date.`}
      </p>
      <LeftAlone plan={plan} />
    </div>
  );
}

/** What needs a rebuild all the same, but was decided otherwise by somebody. */
function LeftAlone(
  { plan: { projections } }: { readonly plan: RebuildPlan },
): JSX.Element {
  return (
    <>
      {projections.filter(({ rebuild, reason }) =>
        !rebuild && reason !== "upToDate"
      ).map(({ projectionName, reason }) => (
        <p>
          {`Left alone: ${projectionName}, as ${REASONS[reason]}.`}
        </p>
      ))}
    </>
  );
}
