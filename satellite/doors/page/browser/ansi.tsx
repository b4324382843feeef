/** Lines as terminals show them: colours and emphasis of ANSI sequences as classes, everything else as text. */
import Anser from "anser";

/** A sequence that Anser does not know (cursor movements, titles) is left out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OTHER_SEQUENCES = /\x1b(?:\[[0-9;?]*[A-HJKSTfhlnr]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>])/g;

export function AnsiLine({ text, find }: { readonly text: string; readonly find: string }) {
  if (!text.includes("\x1b")) return <Found text={text} find={find} />;
  const parts = Anser.ansiToJson(text.replace(OTHER_SEQUENCES, ""), {
    use_classes: true,
    remove_empty: true,
  });
  return (
    <>
      {parts.map((part, at) => (
        <span key={at} class={classOf(part)}>
          <Found text={part.content} find={find} />
        </span>
      ))}
    </>
  );
}

/** Without its sequences, for a search. */
export function plainText(text: string): string {
  return text.includes("\x1b") ? Anser.ansiToText(text.replace(OTHER_SEQUENCES, "")) : text;
}

function classOf(part: { fg: string; bg: string; decorations: readonly string[] }): string {
  const colours = [part.fg, part.bg && `${part.bg}-bg`].filter(Boolean);
  return [...colours, ...part.decorations.map((name) => `ansi-${name}`)].join(" ");
}

function Found({ text, find }: { readonly text: string; readonly find: string }) {
  if (find === "") return <>{text}</>;
  const pieces: preact.JSX.Element[] = [];
  const lower = text.toLowerCase();
  let at = 0;
  for (let hit = lower.indexOf(find); hit >= 0; hit = lower.indexOf(find, at)) {
    pieces.push(<>{text.slice(at, hit)}</>, <mark>{text.slice(hit, hit + find.length)}</mark>);
    at = hit + find.length;
  }
  return (
    <>
      {pieces}
      {text.slice(at)}
    </>
  );
}
