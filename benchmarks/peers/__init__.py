"""What the peers are asked to do, each as a program of its own: their best documented way.

They run in an environment of their own (``requirements-peers.lock``): dlt and the others pin what
the hub pins otherwise. Nothing here imports the hub.
"""
