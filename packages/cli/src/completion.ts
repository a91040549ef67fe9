import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that completes the commands and options of `program` in a shell. */
export function completionScript(program: Command, shell: Shell): string {
  const paths = wordsByPath(program);
  if (shell === 'fish') return fishScript(paths);
  const bash = bashScript(paths);
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

/** By the commands typed so far (`traces list`): what may come next. Nothing needs quoting: names are plain words. */
function wordsByPath(command: Command, path = ''): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const inherited = path === '' ? [] : GLOBAL_FLAGS;
  const flags = command.options.flatMap((option) => option.long ?? []);
  const children = command.commands.filter((child) => child.name() !== 'help');
  words.set(path, [...children.map((child) => child.name()), ...flags, ...inherited, '--help']);
  for (const child of children)
    for (const [below, own] of wordsByPath(child, `${path} ${child.name()}`.trim())) words.set(below, own);
  return words;
}

const GLOBAL_FLAGS = ['--json', '--url', '--token', '--config'];

function bashScript(paths: ReadonlyMap<string, string[]>): string {
  const cases = [...paths].map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `# forge completion for bash: source <(forge completion bash)
_forge() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) case "\${path:+$path }$word" in
        ${[...paths.keys()]
          .filter((path) => path !== '')
          .map((path) => `'${path}'`)
          .join('|')}) path="\${path:+$path }$word" ;;
      esac ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _forge forge
`;
}

function fishScript(paths: ReadonlyMap<string, string[]>): string {
  const lines = ['# forge completion for fish: forge completion fish | source', 'complete -c forge -f'];
  for (const [path, words] of paths) {
    const commands = path.split(' ').filter((word) => word !== '');
    const children = words.filter((word) => !word.startsWith('-'));
    const seen = commands.map((word) => `__fish_seen_subcommand_from ${word}`);
    const notYet = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
    const condition = [...seen, ...notYet].join('; and ') || 'true';
    for (const word of words)
      lines.push(`complete -c forge -n '${condition}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`}`);
  }
  return `${lines.join('\n')}\n`;
}
