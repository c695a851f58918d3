"""A push in processes that are killed, each at a statement at which none was killed before, until one is not.

    python -m project_etl_tests.core.export.killed FOLDER TARGET [FUNCTION]

FOLDER holds a `Shop` whose target is behind. FUNCTION is the only one in which they are killed. After each death a
reader must find the target as it was before the push or as it is after it. Prints how many deaths there were.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from project_etl.core import export
from project_etl.core.export.push import compare
from project_etl_tests.core.export.given import SALES, SELLERS, Shop

EXPORTS = (SALES, SELLERS)
FOLDER = str(Path(export.__file__).parent)
# What changes nothing on the disk, or is another one's test.
READS = ("exported.py", "base.py", "as_text.py")
Statement = tuple[str, int]


def killed_at(died: set[Statement], function: str, do: Callable[[], object]) -> Statement | None:
    """The statement at which a process was killed that does something; None when it was not."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:

        def at(frame: FrameType, event: str, _: Any) -> Any:
            where = (frame.f_code.co_filename, frame.f_lineno)
            if event == "line" and where not in died:
                os.write(writing, f"{where[0]}:{where[1]}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            return at

        def entered(frame: FrameType, event: str, argument: Any) -> Any:
            return at(frame, event, argument) if _may_die_in(frame.f_code, function) else None

        sys.settrace(entered)
        do()
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        text = told.read()
    if os.WIFSIGNALED(status):
        file, _, line = text.rpartition(":")
        return file, int(line)
    assert os.WEXITSTATUS(status) == 0, "the push failed"
    return None


def _may_die_in(code: CodeType, function: str) -> bool:
    is_ours = code.co_filename.startswith(FOLDER) and not code.co_filename.endswith(READS)
    return is_ours and function in ("", code.co_name)


def in_a_process(do: Callable[[], object]) -> None:
    """Do something in a process of its own: this one must have no threads when it is forked."""
    if (child := os.fork()) == 0:
        try:
            do()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def main(folder: Path, name: str, function: str = "") -> None:
    """Kill, look, and do it again."""
    shop = Shop(folder)

    def look() -> None:
        found = shop.target(name).found([each.table for each in shop.exported(name, EXPORTS)])
        rows = {table: sum(each.rows.values()) for table, each in found.items()}
        # Of CSV each file is replaced on its own.
        assert rows["sales"] in (3, 7), rows
        assert rows["sellers"] in (2, 3), rows
        if name != "csv":
            assert rows in ({"sales": 3, "sellers": 2}, {"sales": 7, "sellers": 3}), rows

    def look_at_the_end() -> None:
        compared = compare(shop.exported(name, EXPORTS), shop.target(name))
        assert not [each for each in compared if each.wrong_units or each.damage]
        assert not any(each.is_stale for each in shop.push(name, EXPORTS).values())

    died: set[Statement] = set()
    while statement := killed_at(died, function, lambda: shop.push(name, EXPORTS)):
        died.add(statement)
        in_a_process(look)
    in_a_process(look_at_the_end)
    print(len(died))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
