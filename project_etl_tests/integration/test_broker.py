"""`make broker` answers until it is stopped, for who has no broker at hand."""

from __future__ import annotations

import signal
import subprocess
import sys

from confluent_kafka.admin import AdminClient

from project_etl_tests.commands.given import REPOSITORY
from project_etl_tests.integration.servers import free_port


def test_a_broker_to_try_things_out_with_answers_until_it_is_stopped() -> None:
    port = free_port()
    command = [sys.executable, str(REPOSITORY / "scripts" / "broker.py"), "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as broker:
        try:
            assert broker.stdout
            # In a new clone it fetches the broker's jars before.
            said = next(line for line in broker.stdout if not line.startswith("set-up: "))
            assert said == f"A Kafka broker answers at localhost:{port}, until Ctrl+C.\n"
            assert AdminClient({"bootstrap.servers": f"localhost:{port}"}).list_topics(timeout=10).brokers
            second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            taken = f"Port {port} is taken: something answers there. Name another one with --port.\n"
            assert (second.returncode, second.stdout, second.stderr) == (1, "", taken)
        finally:
            broker.send_signal(signal.SIGINT)
        assert broker.wait(60) == 0
