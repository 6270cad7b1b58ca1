"""The model invocation log: its records, the queries on it, the filters that count in it."""
