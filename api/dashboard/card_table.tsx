/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * Tables that become a card for each row where the page is narrow. Styled so, they are none to
 * browsers any more: the roles say that they are.
 *
 * @module
 */
import type { Child } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";

/** A column. */
export interface Column {
  readonly title: string;
  /** How its cells look. @default {text} */
  readonly looks?: "number" | "tick";
  /** Whether the title is only for those who hear the page. @default {false} */
  readonly isUnseen?: boolean;
}

/** A table. */
export function CardTable(
  { caption, columns, children }: {
    /** What it shows, for those who hear the page. */
    readonly caption: string;
    readonly columns: readonly Column[];
    /** The rows. */
    readonly children?: Child;
  },
): JSX.Element {
  return (
    <table role="table" class="cards">
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title, looks, isUnseen }) => (
            <th role="columnheader" scope="col" class={looks}>
              {isUnseen ? <span class="unseen">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}
