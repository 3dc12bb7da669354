"""The text of --help: options under the headings that they name, and whole sentences.

typer's own boxes take twice as long to load as all else that `radpipe --help` needs; its plain text
knows no headings and cuts what a verb does after a few words.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Verbs(TyperGroup):
    """All verbs, each with what it does."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs.

        Parameters
        ----------
        ctx : Context
            Not used.
        formatter : HelpFormatter
            Written to.
        """
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self.commands.items()])


class Verb(TyperCommand):
    """One verb, its options under their headings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, in the order of the headings' first options.

        Parameters
        ----------
        ctx : Context
            For the defaults.
        formatter : HelpFormatter
            Written to.
        """
        told: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None:
                told.setdefault(_heading(each), []).append(record)
        for heading, records in told.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _heading(parameter: Any) -> str:
    usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
    return parameter.rich_help_panel or usual
