"""One brain over many nodes: a store that several processes share, and who may write it.

store      what the distributor's state is kept in: one protocol, whatever is behind it
memory     the store for tests: several writers in one process, fenced like the real one
embedded   the store of a single machine: the SQLite journal
redis      the store of several machines, and its lease and letters beside it
replica    an engine that follows the stream
sequencer  the leader: events into the store, then into its replica, commands out
member     one process that follows, and leads when it is its turn
"""
