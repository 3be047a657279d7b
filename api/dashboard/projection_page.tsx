/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * One projection with all that is known of it.
 *
 * @module
 */
import type { Child } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";
import type {
  DeadLetter,
  ProjectionGeneration,
  ProjectionInfo,
} from "../../mod.ts";
import { Badge } from "./action.tsx";
import { CardTable, type Column } from "./card_table.tsx";
import { RepairButton } from "./damage_view.tsx";
import { lastRepairText, repairText } from "./repair_words.ts";
import { UnderWaySection } from "./operations_view.tsx";
import { ProjectionButtons } from "./projections_view.tsx";
import type { DashboardState, ProjectionDetails } from "./state.ts";
import {
  bytes,
  count,
  countOf,
  duration,
  instant,
  shortId,
  STATE_TONES,
  STATES,
} from "./words.ts";

/** What is known of one projection. */
export function ProjectionPage(
  { state, details: { info, deadLetters, generations } }: {
    readonly state: DashboardState;
    readonly details: ProjectionDetails;
  },
): JSX.Element {
  return (
    <>
      <section aria-labelledby="projection-heading" data-key="projection">
        <header class="section-head">
          <h2 id="projection-heading" tabindex={-1}>
            {info.name}
            <Badge tone={STATE_TONES[info.state]} text={info.state} />
          </h2>
          <div class="buttons">
            <ProjectionButtons info={info} principal={state.principal} />
            <RepairButton info={info} principal={state.principal} />
          </div>
        </header>
        <p>{STATES[info.state]}.</p>
        <dl class="facts-list">
          {factsOf(info).map(([name, value]) => (
            <div data-key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <UnderWaySection state={state} projection={info.name} />
      <Generations generations={generations} />
      <DeadLetters deadLetters={deadLetters} />
      <p data-key="back">
        <a href="/admin">All projections</a>
      </p>
    </>
  );
}

function factsOf(info: ProjectionInfo): readonly (readonly [string, Child])[] {
  const { owner, lastBuild, lastError, fault, builtVersion, builtAt } = info;
  const { repair, lastRepair } = info;
  return [
    [
      "Version",
      builtVersion === null || builtVersion === info.version
        ? String(info.version)
        : `${info.version}, built with ${builtVersion}`,
    ],
    ["Fingerprint", fingerprintOf(info)],
    [
      "Generation",
      `${info.generation ?? "none"}${
        info.rolledBackAt === null
          ? ""
          : `, rolled back ${instant(info.rolledBackAt)}`
      }`,
    ],
    ["Checkpoint", count(info.checkpoint)],
    ["Lag", info.lag === 0 ? "none" : countOf(info.lag, "event")],
    ["Documents", count(info.documents)],
    ["Size", bytes(info.bytes)],
    ["Built", builtAt === null ? "never" : instant(builtAt)],
    [
      "Last build",
      lastBuild === null
        ? "none"
        : `${lastBuild.state} ${instant(lastBuild.completedAt)}, took ${
          duration(lastBuild.duration)
        }, operation ${shortId(lastBuild.operationId)}`,
    ],
    ...(repair === null ? [] : [["Repair", repairText(repair)] as const]),
    ...(lastRepair === null
      ? []
      : [["Last repair", lastRepairText(lastRepair)] as const]),
    ["On an error", info.errorPolicy],
    [
      "Kept up to date by",
      owner === null
        ? "nobody"
        : owner.isSelf
        ? "this process"
        : owner.pid === null
        ? "another process, which is taking over"
        : `process ${owner.pid}`,
    ],
    ...(fault === null ? [] : [
      [
        "Fault",
        `position ${
          count(fault.position)
        } (${fault.eventType}): ${fault.message}`,
      ] as const,
    ]),
    ...(lastError === null ? [] : [
      [
        "Last error",
        `${
          lastError.position === null
            ? ""
            : `position ${count(lastError.position)} (${lastError.eventType}): `
        }${lastError.message} — ${instant(lastError.at)}`,
      ] as const,
    ]),
  ];
}

/** Digits of a fingerprint that tell two apart. */
const FINGERPRINT_DIGITS = 12;

function fingerprintOf({ fingerprint, builtFingerprint }: ProjectionInfo) {
  const short = (text: string) => text.slice(0, FINGERPRINT_DIGITS);
  return builtFingerprint === null || builtFingerprint === fingerprint
    ? short(fingerprint)
    : `${short(fingerprint)}, built with ${short(builtFingerprint)}`;
}

const ROLES: Readonly<Record<ProjectionGeneration["role"], string>> = {
  current: "serves",
  previous: "can be rolled back to",
  building: "is being built",
  awaitingPromotion: "waits to be promoted",
};

const GENERATION_COLUMNS: readonly Column[] = [
  { title: "Generation" },
  { title: "Version" },
  { title: "Checkpoint", looks: "number" },
  { title: "Documents", looks: "number" },
  { title: "Size", looks: "number" },
  { title: "Built" },
];

function Generations(
  { generations }: { readonly generations: readonly ProjectionGeneration[] },
): JSX.Element {
  return (
    <section aria-labelledby="generations" data-key="generations">
      <h2 id="generations" tabindex={-1}>Generations</h2>
      {generations.length === 0
        ? <p class="empty">None was built yet.</p>
        : (
          <CardTable
            caption="Its generations on the disk"
            columns={GENERATION_COLUMNS}
          >
            {generations.map((generation) => (
              <tr role="row" data-key={String(generation.number)}>
                <th role="rowheader" scope="row">
                  {generation.number}
                  <small>{ROLES[generation.role]}</small>
                </th>
                <td role="cell" data-label="Version">{generation.version}</td>
                <td role="cell" data-label="Checkpoint" class="number">
                  {count(generation.checkpoint)}
                </td>
                <td role="cell" data-label="Documents" class="number">
                  {count(generation.documents)}
                </td>
                <td role="cell" data-label="Size" class="number">
                  {bytes(generation.bytes)}
                </td>
                <td role="cell" data-label="Built">
                  {generation.builtAt === null
                    ? "not yet"
                    : instant(generation.builtAt)}
                </td>
              </tr>
            ))}
          </CardTable>
        )}
    </section>
  );
}

/** More would not help anybody to see what is wrong. */
const LETTERS_SHOWN = 100;

const LETTER_COLUMNS: readonly Column[] = [
  { title: "Position", looks: "number" },
  { title: "Event" },
  { title: "Document" },
  { title: "Why" },
  { title: "When" },
];

function DeadLetters(
  { deadLetters }: { readonly deadLetters: readonly DeadLetter[] },
): JSX.Element {
  const shown = deadLetters.slice(0, LETTERS_SHOWN);
  return (
    <section id="dead-letters" aria-labelledby="letters" data-key="letters">
      <h2 id="letters" tabindex={-1}>Dead letters</h2>
      {deadLetters.length === 0
        ? <p class="empty">No event was passed over.</p>
        : (
          <CardTable
            caption="Events that it passed over"
            columns={LETTER_COLUMNS}
          >
            {shown.map((letter) => (
              <tr role="row">
                <th role="rowheader" scope="row" class="number">
                  {count(letter.position)}
                </th>
                <td role="cell" data-label="Event">{letter.eventType}</td>
                <td role="cell" data-label="Document">
                  {letter.key ?? "all"}
                </td>
                <td role="cell" data-label="Why" class="wide">
                  {letter.reason === "ordered" ? "ordered: " : ""}
                  {letter.message}
                </td>
                <td role="cell" data-label="When">{instant(letter.at)}</td>
              </tr>
            ))}
          </CardTable>
        )}
      {deadLetters.length > shown.length
        ? (
          <p class="facts">
            The first {shown.length} of {countOf(deadLetters.length, "event")}.
          </p>
        )
        : null}
    </section>
  );
}
