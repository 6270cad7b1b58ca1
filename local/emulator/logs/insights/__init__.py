"""CloudWatch Logs Insights QL: a lexer, a parser and an evaluator, without ministack.

The language is that of "CloudWatch Logs Insights query syntax" in the CloudWatch Logs user guide: fields, filter,
parse, stats, sort, limit and display, with the operators and functions of this package's tables. Anything else is
refused by name, never skipped. As on AWS, at most 200 fields of a JSON event are discovered, in the order of its text:
fields behind a long chat are missing. Percentiles are nearest-rank and exact; AWS approximates them.
"""
