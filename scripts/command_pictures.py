"""Make the pictures of commands in docs/ from what they print on the demo, as SVG.

Belongs here: which commands are shown. Needs a demo that has been run. Does not belong here: pages of the UI and the
dashboard (`screenshots.py`), what commands print.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs"
COLUMNS = 112
# Picture → what is typed, with the demo's environment.
COMMANDS = {
    "show.svg": "show daily_aov --limit 3",
    "sql.svg": (
        'sql "SELECT category, sum(net_revenue) AS revenue FROM daily_revenue_by_category'
        " WHERE order_date >= '2025-03-01' GROUP BY category ORDER BY revenue DESC\""
    ),
    "trust.svg": "trust daily_aov 2025-03-15",
    "erase.svg": "erase customer C0000053 --dry-run",
}


def main() -> int:
    """Make every picture; 0 when all were made."""
    for name, typed in COMMANDS.items():
        command = f"project-etl --env demo {typed}"
        (PICTURES / name).write_text(picture(command, printed(command)), encoding="utf-8")
        print(f"{name}: {command}")
    return 0


def printed(command: str) -> str:
    """What a command prints on a terminal; its exit code says something about the data, and does not count here."""
    with tempfile.TemporaryDirectory() as folder:
        # A terminal of its own, for programs print without colours where there is none.
        log = Path(folder) / "typed"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            ["script", "--quiet", "--return", "--command", f"stty cols {COLUMNS}; {command}", str(log)],
            cwd=REPOSITORY,
            env=os.environ | {"PATH": path, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        # Where the repository lies is nobody's business.
        text = log.read_text(encoding="utf-8").replace("\r\n", "\n").replace(f"{REPOSITORY}/", "")
    # The first and the last line are of `script` itself.
    return "\n".join(line for line in text.splitlines() if not line.startswith("Script "))


def picture(command: str, text: str) -> str:
    """A terminal window that shows a command and what it printed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"), soft_wrap=False)
    console.print(Text.from_ansi(text.rstrip()), soft_wrap=False)
    svg = console.export_svg(title="project-etl")
    # Fonts of the reader's machine: a picture asks no other server.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
