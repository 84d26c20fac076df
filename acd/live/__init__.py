"""One brain over many nodes: a store that several processes share, and who may write it.

store      what the distributor's state is kept in: one protocol, whatever is behind it
memory     the store for tests: several writers in one process, fenced like the real one
embedded   the store of a single machine: the SQLite journal
redis      the store of several machines, and its lease, letters and pulses beside it
entry      what an entry of the stream says, and which node has said it
replica    an engine that follows the stream, on every node
sequencer  the leader: words into the store, then into its replica
member     one process that follows, and leads when it is its turn
outbox     a node's words on their way into the stream
pulse      which nodes are alive; `missing` is what the leader does about those that are not
island     a node that decides alone; `homecoming` is how it comes to that, and back
session    one stretch of time with the other nodes
domain     all of it together: the distributor that a node's shell sees
"""
