"""Which operations of AWS the functions call, read from their source: methods of boto3's clients and the names of
paginators, in every module that a handler imports."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

import botocore.session
from botocore import xform_name

from tests.support.paths import ROOT

LAMBDA_ROOT = ROOT / "lambda"
SERVICES = (
    *("bedrock", "bedrock-runtime", "budgets", "cloudwatch", "lambda", "logs", "s3", "sagemaker", "sns", "sqs", "ssm"),
)

NOT_MADE: Mapping[str, frozenset[str]] = MappingProxyType(
    # It shares what every run needs with the evaluator, and leaves the asking to Bedrock.
    {"bedrock_eval_functions.evaluation_jobs.handler": frozenset({"converse"})}
)


@cache
def operations() -> frozenset[str]:
    session = botocore.session.get_session()
    names = (name for service in SERVICES for name in session.get_service_model(service).operation_names)
    return frozenset(xform_name(name) for name in names)


@cache
def source(module: str) -> ast.Module | None:
    """A module of the functions, None when it is another's."""
    path = LAMBDA_ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text()) if file.is_file() else None


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def reached(module: str) -> dict[str, ast.Module]:
    """The module and all that it imports of ours, outside of the core, which calls nothing."""
    found: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        tree = None if name in found or name.partition(".")[0] == "bedrock_eval" else source(name)
        if tree is not None:
            found[name] = tree
            waiting += imported(tree)
    return found


def calls(module: str) -> set[str]:
    """The operations of AWS that a handler's module can call."""
    found = set()
    for tree in reached(module).values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            if name == "get_paginator" and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value)
            if name in operations():
                found.add(name)
    return found - NOT_MADE.get(module, frozenset())


def handlers() -> list[str]:
    """Every module of the functions with a `handler`."""
    modules = (".".join(path.relative_to(LAMBDA_ROOT).with_suffix("").parts) for path in LAMBDA_ROOT.rglob("*.py"))
    return sorted(
        module
        for module in modules
        if any(
            isinstance(each, ast.FunctionDef) and each.name == "handler" for each in getattr(source(module), "body", ())
        )
    )
