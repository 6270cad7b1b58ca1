"""CloudWatch metric math: a lexer, a parser and an evaluator, without ministack.

The language is that of "Using metric math" in the CloudWatch user guide. An operator between two series has a value
where either has one and takes the missing one as 0, FILL closes gaps, functions over an array take what is there at
each time (AVG counts the missing as 0), and a division by zero leaves a gap. Where that page leaves a question open,
readings.py has the possible answers. Anything not implemented is refused by name, never skipped.
"""
