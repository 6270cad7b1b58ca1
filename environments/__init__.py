"""What a user edits: one YAML file an environment, its schema, and the loader. The only room that knows YAML."""
