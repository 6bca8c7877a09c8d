"""The fault suite: a bot as a process of its own, a Bot API server that misbehaves, and a count of what came of it.

bot       the bot process: everything real but the retrieval, which always finds article 14, as slowly as it is told
town      people who ask, and how often each of their questions was answered
drills    what is done to the bot: kills, stops, poison, refusals, outages of the database, load, soak, more workers
folders   what is done to the data folder of the real bot: a damaged index, no right to write
__main__  `make faults`: every drill at full length, figures into tests/benchmark/faults.json

The short form runs in `make test`: tests/e2e/test_faults.py.
"""
