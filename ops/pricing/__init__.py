"""AWS's Price List, read for the models of an environment."""
