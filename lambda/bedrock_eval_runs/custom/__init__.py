"""The custom evaluator: models are asked, answers are scored, in slices."""
