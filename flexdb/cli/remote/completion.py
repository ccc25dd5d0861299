"""What lets a shell complete commands, options and names."""

from __future__ import annotations

import click

# The variable by which a shell asks for completions.
ASKED_BY = "_FLEXDB_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Write what a SHELL reads at its start to complete flexdb's commands and names."""
    from click.shell_completion import get_completion_class
    kind = get_completion_class(shell)
    assert kind, "click brings all three"
    click.echo(kind(context.find_root().command, {}, "flexdb", ASKED_BY).source())
