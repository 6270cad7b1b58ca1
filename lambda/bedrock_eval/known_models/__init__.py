"""What Bedrock's documents say of models, and whether a use of one can work: one table, and the rules that read it."""
