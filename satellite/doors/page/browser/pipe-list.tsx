/** All pipes, as a table that can be filtered and gone through by keys. */
import { useState } from "preact/hooks";
import type { PipeView } from "./pipes.ts";
import { Spark } from "./spark.tsx";
import { ageText, bytesText, pipeText, rateText } from "./units.ts";

export interface PipeListProps {
  /** `null`: they are not known yet. */
  readonly pipes: readonly PipeView[] | null;
  readonly chosen: string | null;
  readonly onChoose: (pipe: string) => void;
}

export function PipeList({ pipes, chosen, onChoose }: PipeListProps) {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = (pipes ?? []).filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <section class="pipes" aria-label="Pipes">
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          onChoose(filter.trim());
        }}
      >
        <input
          type="search"
          aria-label="Find or open a pipe by its name"
          placeholder="Find a pipe, or name one to open"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        <button type="submit">Open</button>
      </form>
      {pipes === null ? (
        <p class="hint" role="status">
          Looking …
        </p>
      ) : (
        <PipeTable pipes={shown} chosen={chosen} onChoose={onChoose} />
      )}
      {pipes !== null && shown.length === 0 && (
        <p class="hint">
          {pipes.length === 0
            ? "There is nothing in any pipe, and nobody waits. Open one by its name to send to it."
            : "No pipe is called like that yet: open it to use it."}
        </p>
      )}
    </section>
  );
}

function PipeTable({ pipes, chosen, onChoose }: PipeListProps & { readonly pipes: readonly PipeView[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Pipe</th>
          <th scope="col">Rate</th>
          <th scope="col" class="wide">
            Last minute
          </th>
          <th scope="col">Backlog</th>
          <th scope="col">Age</th>
          <th scope="col">Writers</th>
          <th scope="col">Readers</th>
        </tr>
      </thead>
      <tbody>
        {pipes.map(({ name, rates, bytes, streams, oldestAgeS, writers, readers, taps }) => (
          <tr key={name} class={name === chosen ? "chosen" : ""}>
            <th scope="row">
              <button type="button" aria-pressed={name === chosen} onClick={() => onChoose(name)}>
                {pipeText(name)}
              </button>
            </th>
            <td>{rateText(rates.at(-1) ?? 0)}</td>
            <td class="wide">
              <Spark rates={rates} />
            </td>
            <td>
              {bytesText(bytes)}
              {streams > 1 && ` in ${streams}`}
            </td>
            <td>{streams > 0 ? ageText(oldestAgeS) : "–"}</td>
            <td>{writers}</td>
            <td>
              {readers}
              {taps > 0 && ` + ${taps} looking`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
