"""A source that is a Kafka topic: each slice is some messages of one partition, named by their offsets.

Landing is the only memory: there is no consumer group, and no offset is committed. So a pull that is killed is a pull
that has not been, and a slice that somebody removes before it was loaded is read again. `pieces.py` reads off names
what has landed, `partition.py` finds what is due and what is lost, `messages.py` makes lines of messages, `client.py`
talks to the brokers, and `source.py` puts it together. Needs the extra `kafka`.
"""
