"""What is told of calls: the watch on the request under way, log lines, figures, traces.

It may know config and the version alone.
"""
