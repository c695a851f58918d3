"""The schedule `synth_stream`: a made-up shop lives in the database of the setting `synth_url`, for trying pulls out.

Off by default, also where automation is on. Does not belong here: what happens in an interval (`demo/live`).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

from collections.abc import Mapping

import dagster as dg

from project_etl.core.extract.secret import is_reference, secret
from project_etl.core.model.pull import PullError

NAME = "synth_stream"
CRON = "*/5 * * * *"
SEED = 7
DESCRIPTION = (
    "Every five minutes: about 50 orders and 100 clicks of a made-up shop come into the database of synth_url, and "
    "older orders change, are refunded and deleted. The first run makes the tables."
)


def synth_stream(url: str) -> dg.ScheduleDefinition:
    """The schedule for one database, with its job.

    Args:
        url: the setting `synth_url`.
    """

    @dg.op(description="Writes one interval of the shop's life, in one transaction.", out=dg.Out(dg.Nothing))
    def live_through_an_interval(context: dg.OpExecutionContext) -> None:
        # Nobody else needs SQLAlchemy and a driver.
        from project_etl.demo.live.database import Database
        from project_etl.demo.live.errors import LiveError
        from project_etl.demo.live.shop import live, set_up

        try:
            database = Database(secret(url) if is_reference(url) else url)
            seeded = set_up(database, seed=SEED)
            written = live(database, seed=SEED)
        except (LiveError, PullError) as error:
            # The next tick tries again.
            raise dg.Failure(f"No interval was written: {error}.", allow_retries=False) from None

        context.add_output_metadata(
            {
                "database": database.address,
                "until": dg.MetadataValue.timestamp(written.until),
                "orders": written.orders,
                "events": written.events,
                "rows": _table(written.rows),
                **({"rows_of_the_new_shop": _table(seeded.rows)} if seeded else {}),
            }
        )

    @dg.job(name=NAME, description=DESCRIPTION, executor_def=dg.in_process_executor)
    def job() -> None:
        live_through_an_interval()

    return dg.ScheduleDefinition(
        name=NAME,
        job=job,
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=DESCRIPTION,
    )


def _table(rows: Mapping[str, Mapping[str, int]]) -> dg.TableMetadataValue:
    """How many rows of each table were inserted, updated and deleted."""
    records = [dg.TableRecord({"table": name, **counts}) for name, counts in rows.items()]
    kinds = {"table": "string", "inserted": "int", "updated": "int", "deleted": "int"}
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()]))
