/**
 * Scripts by which shells complete commands, made of the table of commands.
 *
 * @module
 */
import type { Command, OperandKind } from "./command.ts";
import { type OptionName, OPTIONS, optionsOf } from "./options.ts";

/** The shells there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of them. */
export type Shell = (typeof SHELLS)[number];

/**
 * The script for a shell.
 *
 * @param shell The shell.
 * @param commands The commands.
 * @returns The script, without the last line end.
 */
export function completionScript(
  shell: Shell,
  commands: readonly Command[],
): string {
  if (shell === "bash") return bashScript(commands);
  return shell === "zsh" ? zshScript(commands) : fishScript(commands);
}

/** The first words, and the second ones of those that have any. */
function wordsOf(commands: readonly Command[]): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first = "", second] = name.split(" ");
    const known = words.get(first) ?? [];
    words.set(first, second === undefined ? known : [...known, second]);
  }
  return words;
}

function longOptions(command: Command): string[] {
  return [...optionsOf(command), "help"].map((option) => `--${option}`);
}

/** Options whose values are of a kind, or a few words. */
function optionsWith(kind: "file" | "folder"): OptionName[] {
  return namesOfOptions().filter((name) => OPTIONS[name].values === kind);
}

function namesOfOptions(): OptionName[] {
  return Object.keys(OPTIONS) as OptionName[];
}

/** Options that take one of a few words. */
function optionsOfWords(): [OptionName, readonly string[]][] {
  return namesOfOptions().flatMap((name) => {
    const { values } = OPTIONS[name];
    return Array.isArray(values) ? [[name, values]] : [];
  });
}

/** Options whose values nobody can guess. */
function optionsOfOtherValues(): OptionName[] {
  return namesOfOptions().filter((name) =>
    OPTIONS[name].value !== undefined && OPTIONS[name].values === undefined
  );
}

function bashScript(commands: readonly Command[]): string {
  const words = wordsOf(commands);
  const flags = (names: readonly OptionName[]) =>
    names.map((name) => `--${name}`).join("|");
  return `# Completions of opossum for bash.
_opossum() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local words=() word command i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == -* || "\${COMP_WORDS[i-1]}" == --@(${
    namesOfOptions().filter((name) => OPTIONS[name].value !== undefined)
      .join("|")
  }) ]] || words+=("$word")
  done
  case "$previous" in
    ${
    flags(optionsWith("folder"))
  }) COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${
    flags(optionsWith("file"))
  }) COMPREPLY=($(compgen -f -- "$current")); return ;;
${
    optionsOfWords().map(([name, values]) =>
      `    --${name}) COMPREPLY=($(compgen -W "${
        values.join(" ")
      }" -- "$current")); return ;;`
    ).join("\n")
  }
    ${flags(optionsOfOtherValues())}) return ;;
  esac
  if ((\${#words[@]} == 0)) && [[ "$current" != -* ]]; then
    COMPREPLY=($(compgen -W "${
    [...words.keys(), "help"].join(" ")
  }" -- "$current"))
    return
  fi
  command="\${words[0]}"
  case "$command" in
${
    [...words].filter(([, second]) => second.length > 0).map((
      [first, second],
    ) =>
      `    ${first})
      if ((\${#words[@]} == 1)) && [[ "$current" != -* ]]; then
        COMPREPLY=($(compgen -W "${second.join(" ")}" -- "$current"))
        return
      fi
      command="$command \${words[1]}" ;;`
    ).join("\n")
  }
  esac
  if [[ "$current" == -* ]]; then
    case "$command" in
${
    commands.map((command) =>
      `      ${bashNames(command)}) COMPREPLY=($(compgen -W "${
        longOptions(command).join(" ")
      }" -- "$current")) ;;`
    ).join("\n")
  }
      *) COMPREPLY=($(compgen -W "--help --version" -- "$current")) ;;
    esac
    return
  fi
  case "$command" in
    ${
    namesWith(commands, "file").map((name) => `"${name}"`).join("|")
  }) COMPREPLY=($(compgen -f -- "$current")) ;;
    ${
    namesWith(commands, "shell").map((name) => `"${name}"`).join("|")
  }) COMPREPLY=($(compgen -W "${SHELLS.join(" ")}" -- "$current")) ;;
  esac
}
shopt -s extglob
complete -F _opossum opossum`;
}

function bashNames({ name, formerly }: Command): string {
  return formerly === undefined ? `"${name}"` : `"${name}"|"${formerly}"`;
}

function namesWith(
  commands: readonly Command[],
  kind: OperandKind,
): string[] {
  return commands.filter(({ operandKind }) => operandKind === kind)
    .map(({ name }) => name);
}

function zshScript(commands: readonly Command[]): string {
  const words = wordsOf(commands);
  const summaries = new Map(
    commands.map(({ name, summary }) => [name, summary]),
  );
  const described = (name: string) => summaries.get(name) ?? `${name} …`;
  return `#compdef opossum
# Completions of opossum for zsh.
_opossum() {
  local context state line
  local -a commands
  if ((CURRENT == 2)); then
    commands=(
${
    [...words.keys()].map((word) => `      ${zshItem(word, described(word))}`)
      .join("\n")
  }
    )
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${
    [...words].map(([first, second]) => {
      const own = commands.find(({ name, formerly }) =>
        name === first || formerly === first
      );
      if (second.length === 0) {
        return own ? `    ${first}) ${zshArguments(own, 1)} ;;` : "";
      }
      const subcommands = second.map((word) =>
        `          ${zshItem(word, described(`${first} ${word}`))}`
      ).join("\n");
      const cases = second.map((word) => {
        const command = commands.find(({ name }) =>
          name === `${first} ${word}`
        );
        return command ? `        ${word}) ${zshArguments(command, 2)} ;;` : "";
      }).join("\n");
      return `    ${first})
      if ((CURRENT == 3)); then
        commands=(
${subcommands}
        )
        _describe command commands
        return
      fi
      case "\${words[3]}" in
${cases}
      esac ;;`;
    }).join("\n")
  }
${
    commands.flatMap((command) =>
      command.formerly === undefined
        ? []
        : [`    ${command.formerly}) ${zshArguments(command, 1)} ;;`]
    ).join("\n")
  }
  esac
}
if [ "$funcstack[1]" = "_opossum" ]; then _opossum "$@"; else compdef _opossum opossum; fi`;
}

function zshItem(word: string, summary: string): string {
  return quoted(`${word}:${summary.replaceAll(":", "\\:")}`);
}

function zshArguments(command: Command, skip: number): string {
  const options = optionsOf(command).map((name) => {
    const { value, meaning, multiple, values } = OPTIONS[name];
    const text = meaning.replace(/[[\]]/g, "");
    const argument = value === undefined
      ? ""
      : values === "folder"
      ? `:${value}:_files -/`
      : values === "file"
      ? `:${value}:_files`
      : values === undefined
      ? `:${value}:`
      : `:${value}:(${values.join(" ")})`;
    return quoted(`${multiple ? "*" : ""}--${name}[${text}]${argument}`);
  });
  const operand = command.operandKind === "file"
    ? "*:file:_files"
    : command.operandKind === "shell"
    ? `*:shell:(${SHELLS.join(" ")})`
    : "*:operand:";
  return `shift ${skip} words; ((CURRENT -= ${skip})); _arguments ${
    [...options, quoted("--help[Show the help.]"), quoted(operand)].join(" ")
  }`;
}

/** The words of a command line that are no options; values of options come behind them. */
const FISH_HELPERS = `function __opossum_words
    string match --invert -- '-*' (commandline -opc)[2..-1]
end
function __opossum_at
    set -l words (__opossum_words)
    test "$words[1..$(count $argv)]" = "$argv"
end
function __opossum_next
    set -l words (__opossum_words)
    test (count $words) -eq (count $argv); and test "$words" = "$argv"
end`;

function fishScript(commands: readonly Command[]): string {
  const lines = ["# Completions of opossum for fish.", FISH_HELPERS];
  lines.push("complete -c opossum -f");
  for (const [first, second] of wordsOf(commands)) {
    const own = commands.find(({ name }) => name === first);
    const summary = own?.summary ?? `${first} …`;
    lines.push(fishLine("__opossum_next", `-a ${first}`, summary));
    for (const word of second) {
      const command = commands.find(({ name }) => name === `${first} ${word}`);
      const { summary = "" } = command ?? {};
      lines.push(fishLine(`__opossum_next ${first}`, `-a ${word}`, summary));
    }
  }
  for (const command of commands) {
    for (const condition of fishConditions(command)) {
      for (const name of optionsOf(command)) {
        const option = `-l ${name}${fishValue(name)}`;
        lines.push(fishLine(condition, option, OPTIONS[name].meaning));
      }
      if (command.operandKind === "file") lines.push(fishLine(condition, "-F"));
      if (command.operandKind === "shell") {
        const shells = `-a ${quoted(SHELLS.join(" "))}`;
        lines.push(fishLine(condition, shells));
      }
    }
  }
  lines.push("complete -c opossum -l help -d 'Show the help.'");
  return lines.join("\n");
}

function fishLine(condition: string, what: string, summary?: string): string {
  const description = summary === undefined ? "" : ` -d ${quoted(summary)}`;
  return `complete -c opossum -n ${quoted(condition)} ${what}${description}`;
}

function fishValue(option: OptionName): string {
  const { value, values } = OPTIONS[option];
  if (value === undefined) return "";
  if (values === "file" || values === "folder") return " -r -F";
  return values === undefined ? " -x" : ` -x -a ${quoted(values.join(" "))}`;
}

function fishConditions({ name, formerly }: Command): string[] {
  return [name, ...formerly === undefined ? [] : [formerly]]
    .map((each) => `__opossum_at ${each}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
