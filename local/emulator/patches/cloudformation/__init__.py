"""Patches of CloudFormation: resource types and custom resources."""
