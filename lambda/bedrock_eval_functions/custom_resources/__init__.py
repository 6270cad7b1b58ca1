"""What CloudFormation cannot do by itself, one module a kind of resource, each with a `handler`."""
