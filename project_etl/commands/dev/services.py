"""`dagster dev` as `project-etl dev` starts it: it can be stopped, and says only what people can act upon."""

from __future__ import annotations

import logging
import os
import runpy
import signal
import threading
import time
import warnings

import dagster as dg

# The environments share one dagster.yaml by links, so that the file in the current folder is used.
FALSE_ALARM = "will not be used to configure Dagster"
LOOK_SECONDS = 1


def end_with_parent() -> None:
    """Interrupt this process, as Ctrl+C does, when `project-etl dev` is gone without having stopped it (`kill -9`)."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Become `dagster`, with this process' arguments."""
    end_with_parent()
    # A script that starts us in its background has SIGINT ignored, and Dagster makes of SIGTERM what SIGINT is.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.filterwarnings("ignore", category=dg.SupersessionWarning)
    logging.getLogger("dagster").addFilter(lambda record: FALSE_ALARM not in record.getMessage())
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
