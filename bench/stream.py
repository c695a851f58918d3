"""`python -m bench.stream`: messages a second that land, beside a consumer that only counts bytes.

Both read the same topic of a broker of this machine, in turns and each in a new process: what a pull costs over bare
reading is its lines, its files and their names. The messages are those of live traffic.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.landing import REPOSITORY
from bench.measure import BenchError, Usage, measure, require_linux

sys.path.insert(0, str(REPOSITORY / "scripts"))

from project_etl_tests.integration.kafka_broker import Kafka, kafka
from project_etl_tests.integration.streamed import fill

MESSAGES, PARTITIONS = 1_000_000, 3
BARE, PLATFORM = "a consumer that counts bytes", "project-etl pull clickstream"
COUNT = """
import sys
from confluent_kafka import Consumer, TopicPartition
brokers, topic = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
found = [TopicPartition(topic, number, 0) for number in consumer.list_topics(topic).topics[topic].partitions]
left = sum(consumer.get_watermark_offsets(each)[1] for each in found)
consumer.assign(found)
size = 0
while left > 0:
    messages = consumer.consume(10_000, timeout=1)
    left -= len(messages)
    size += sum(len(message.value()) for message in messages)
print(size)
"""


def main() -> int:
    """Fill a topic, let both read it, and write what that took."""
    options = _options()
    try:
        require_linux()
        with tempfile.TemporaryDirectory(prefix="stream-") as folder, kafka() as broker:
            topic = broker.topic(partitions=PARTITIONS)
            size = fill(broker, topic, options.messages)
            text = _markdown(_measured(Path(folder), broker, topic, options), options.messages, size)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _measured(folder: Path, broker: Kafka, topic: str, options: argparse.Namespace) -> dict[str, list[Usage]]:
    found: dict[str, list[Usage]] = {BARE: [], PLATFORM: []}
    for number in range(options.rounds):
        own = folder / str(number)
        own.mkdir()
        bare = [sys.executable, "-c", COUNT, broker.bootstrap, topic]
        found[BARE].append(measure(bare, env=dict(os.environ), folder=own, log=own / "bare.log"))
        command = [str(Path(sys.executable).with_name("project-etl")), "pull", "clickstream"]
        env = _surroundings(own, broker, topic)
        found[PLATFORM].append(measure(command, env=env, folder=own, log=own / "pull.log"))
        landed = sum(_lines(file) for file in (own / "landing").glob("clickstream/events/*/*.jsonl"))
        if landed != options.messages:
            raise BenchError(f"{landed:,} of {options.messages:,} messages have landed")
        shutil.rmtree(own / "landing")
    return found


def _surroundings(folder: Path, broker: Kafka, topic: str) -> dict[str, str]:
    config = folder / "config"
    config.mkdir()
    (config / "local.yaml").write_text(
        f"landing_root: {folder}/landing\nlake_root: {folder}/lake\nsources: [clickstream]\n"
        f"pull:\n  clickstream: {{brokers: '{broker.bootstrap}', topic: {topic}}}\n"
    )
    home = folder / "dagster"
    home.mkdir()
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PROJECT_ETL_")}
    own = {"PYTHONPATH": str(REPOSITORY), "DAGSTER_HOME": str(home), "PROJECT_ETL_CONFIG_DIR": str(config)}
    return plain | own


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _markdown(found: dict[str, list[Usage]], messages: int, size: int) -> str:
    lines = [
        "# A topic that lands",
        "",
        f"`python -m bench.stream`: {messages:,} messages of {size / messages:.0f} bytes in {PARTITIONS} partitions, "
        "the broker on the same machine. Medians of whole commands, their start included.",
        "",
        "| reader | wall s | CPU s | messages a second | peak MiB |",
        "|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        wall, cpu = median(run.wall_seconds for run in runs), median(run.cpu_seconds for run in runs)
        peak = median(run.peak_bytes for run in runs) / (1 << 20)
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {messages / wall:,.0f} | {peak:,.0f} |")
    return "\n".join(lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description="Measure how fast a topic lands.")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each reader (default: %(default)s)")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="messages of the topic (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "bench" / "results" / "stream.md", help="the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
