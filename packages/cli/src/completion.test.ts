import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../test/run-command.ts';

const hasBash = spawnSync('bash', ['-c', 'type compgen']).status === 0;

async function complete(line: string): Promise<string[]> {
  const { out } = await runCommand(['completion', 'bash']);
  const words = line.split(' ');
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const script = `${out}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _forge; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe.skipIf(!hasBash)('bash completes', () => {
  it.each([
    ['forge tr', ['traces']],
    ['forge traces ', ['list', 'get', '--json', '--url', '--token', '--config', '--help']],
    ['forge traces list --min', ['--min-duration']],
    ['forge traces --json get --cri', ['--critical-path']],
    ['forge top --w', ['--window']],
    ['forge nothing ', ['traces']],
  ])('%j', async (line, words) => {
    expect(await complete(line)).toEqual(expect.arrayContaining(words));
  });
});

it('knows bash, zsh and fish, and names them where another is asked for', async () => {
  expect((await runCommand(['completion', 'zsh'])).out).toMatch(/^autoload -U \+X bashcompinit/);
  expect((await runCommand(['completion', 'fish'])).out).toContain(
    "complete -c forge -n '__fish_seen_subcommand_from traces; and not __fish_seen_subcommand_from list get' -a list",
  );
  const { exitCode, err } = await runCommand(['completion', 'tcsh']);
  expect(exitCode).toBe(1);
  expect(err).toContain('Allowed choices are bash, zsh, fish.');
});
