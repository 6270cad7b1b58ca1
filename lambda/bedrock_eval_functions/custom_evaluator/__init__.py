"""The function that evaluates: one slice of a run, its publication, or the record of its failure."""
