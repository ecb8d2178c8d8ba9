"""``completion``: what a shell needs to complete commands and flags."""

from __future__ import annotations

import argparse

from autocron.cli.parser import make_parser
from autocron.cli.running import FINE, Context

_BASH = """\
_autocron() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    local command="" each
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " {commands} " in *" $each "*) command="$each"; break;; esac
    done
    case "$command" in
{cases}
        *) if [ "$COMP_CWORD" -eq 1 ]; then
               COMPREPLY=($(compgen -f -- "$word") $(compgen -W "explain completion --help --version" -- "$word"))
               local file
               for file in ~/.autocron/*.db; do
                   file="${{file##*/}}"
                   [ "$file" != "*.db" ] && [[ "$file" == "$word"* ]] && COMPREPLY+=("$file")
               done
           else
               COMPREPLY=($(compgen -W "{commands} {flags}" -- "$word"))
           fi;;
    esac
}}
complete -F _autocron autocron
"""
_ZSH = "autoload -U +X compinit && compinit -u; autoload -U +X bashcompinit && bashcompinit\n"


def completion(context: Context) -> int:
    """For bash and zsh a function, for fish a line for each word."""
    commands, flags = _words()
    shell = context.options.shell
    if shell == "fish":
        script = "".join(f"complete -c autocron -f -a {name}\n" for name in commands)
        script += "".join(f"complete -c autocron -l {flag[2:]}\n" for flag in flags if flag.startswith("--"))
        for name, options in commands.items():
            condition = f"-n '__fish_seen_subcommand_from {name}'"
            script += "".join(f"complete -c autocron {condition} -l {flag[2:]}\n" for flag in options if flag.startswith("--"))
    else:
        cases = "\n".join(
            f'        {name}) COMPREPLY=($(compgen -W "{" ".join(options)}" -- "$word"));;'
            for name, options in commands.items()
        )
        script = _BASH.format(commands=" ".join(commands), flags=" ".join(flags), cases=cases)
        if shell == "zsh":
            script = _ZSH + script
    context.terminal.say({"shell": shell, "script": script}, script.rstrip())
    return FINE


def _words() -> tuple[dict[str, list[str]], list[str]]:
    """The commands with their flags, and the flags that need no command, from the parser itself."""
    parser = make_parser()
    commands: dict[str, list[str]] = {}
    for action in parser._actions:
        if isinstance(action.choices, dict):  # the subcommands
            for name, each in action.choices.items():
                commands[name] = _flags(each)
    return commands, _flags(parser)


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    actions = parser._actions  # argparse has no public way
    return [option for action in actions for option in action.option_strings]
