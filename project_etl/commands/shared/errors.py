"""Errors that a person can mend: shown as one message without a stack trace, exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


class UserError(click.ClickException):
    """What was asked for cannot be done; the message says why and what to do."""

    exit_code = 2


@contextmanager
def shown_to_people() -> Iterator[None]:
    """Turn the errors whose message is meant for people into `UserError`; others keep their stack trace."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        if isinstance(error, _meant_for_people()):
            raise UserError(str(error)) from error
        raise


def _meant_for_people() -> tuple[type[Exception], ...]:
    # Here, and not above: only when something has gone wrong is it worth importing Spark's and Pandera's modules.
    from project_etl.core.lake import LakeError
    from project_etl.core.model.table import TableError
    from project_etl.core.views import QueryError
    from project_etl.demo import ManifestError
    from project_etl.settings import SettingsError

    return (SettingsError, LakeError, TableError, QueryError, ManifestError)
