"""The protocol: suites, the runner and its stages, tasks, metrics, statistics, results, reports, the command line."""
