"""`make broker`: a Kafka broker on this machine, to try out streams with, until Ctrl+C. Its topics end with it."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from project_etl_tests.integration.kafka_broker import kafka


def main() -> int:
    """Start the broker, say where it answers, and stop it at Ctrl+C or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9092, help="where it answers (default: %(default)s)")
    port: int = parser.parse_args().port
    with socket.socket() as probe:
        if not probe.connect_ex(("127.0.0.1", port)):
            sys.stderr.write(f"Port {port} is taken: something answers there. Name another one with --port.\n")
            return 1
    signals = {signal.SIGINT, signal.SIGTERM}
    with kafka(port):
        # From here on both end the wait, and what is started is ended in order.
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        sys.stdout.write(f"A Kafka broker answers at localhost:{port}, until Ctrl+C.\n")
        sys.stdout.flush()
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
