"""What a person can mend has one base."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import bedrock_eval
from bedrock_eval.errors import UserError

# Both end inside of the code that calls: an answer's score, or a figure that stays unknown.
INTERNAL = {"TooSlowError", "UnknownError"}


def public_errors() -> Iterator[type[BaseException]]:
    for found in pkgutil.walk_packages(bedrock_eval.__path__, "bedrock_eval."):
        for name, each in vars(importlib.import_module(found.name)).items():
            ours = inspect.isclass(each) and issubclass(each, Exception) and each.__module__ == found.name
            if ours and not name.startswith("_") and name not in INTERNAL:
                yield each


def test_every_public_error_of_the_core_is_one_that_a_person_can_mend() -> None:
    found = set(public_errors())
    assert len(found) > 10
    assert {each.__name__ for each in found if not issubclass(each, UserError)} == set()
