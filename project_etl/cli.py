"""The command line `project-etl`: one folder in `commands/` for each command, found by looking.

Exit codes: 0 is fine, 1 says that data, a check or the machine is not, 2 that the command could not do what was asked.
"""

from __future__ import annotations

import click

from project_etl import __version__, commands
from project_etl.commands.shared.errors import shown_to_people
from project_etl.core.model.modules import module_names, module_of
from project_etl.core.model.nearest import suggestion


class _Group(click.Group):
    """The commands that there are. Errors that a person can mend are shown without a stack trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in module_names(commands) if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own
        if cmd_name not in module_names(commands):
            return None
        return getattr(module_of(commands, cmd_name), "command", None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.isidentifier() and self.get_command(ctx, name) is None:
            ctx.fail(f"There is no command {name!r}; {suggestion(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with shown_to_people():
            return super().invoke(ctx)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="project_etl")
@click.option("--env", metavar="NAME", help="Settings to use: config/NAME.yaml instead of what PROJECT_ETL_ENV says.")
@click.pass_context
def main(ctx: click.Context, env: str | None) -> None:
    """An e-commerce lakehouse: raw files to Bronze, Silver and Gold Delta tables."""
    ctx.obj = env
