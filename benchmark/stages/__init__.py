"""The stages of the protocol: record, pre-train, then transfer, predict and score. Each runs in a worker process.

A stage writes into a folder named by the digest of its inputs and ends with ``done.json``; a folder with that file
is never worked on again.
"""
