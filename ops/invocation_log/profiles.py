"""The application inference profiles of an environment, whose ids the invocation log has in the place of models."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.names import PhysicalNames
from ops.aws.account import Account
from ops.errors import OpsError
from ops.terminal.cells import Cell
from ops.terminal.output import print_note
from ops.terminal.tables import Table

_PROFILE_ID = re.compile(r"[a-z0-9]{12}")


def profiles_of(account: Account) -> Mapping[str, str]:
    """List the environment's models by the ids of the inference profiles that it made for them.

    Raises:
        OpsError: they cannot be listed.
    """
    physical = PhysicalNames(account.environment.prefix)
    names = {physical.inference_profile(model): model for model in account.environment.models}
    try:
        pages = account.client("bedrock").get_paginator("list_inference_profiles").paginate(typeEquals="APPLICATION")
        listed = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"inference profiles cannot be listed: {error}") from None
    ids = {profile["inferenceProfileId"]: profile["inferenceProfileName"].rpartition("-")[0] for profile in listed}
    return {profile_id: names[name] for profile_id, name in ids.items() if name in names}


def with_model_names(tables: Sequence[Table], account: Account) -> Sequence[Table]:
    """Put the model's name before each profile id, which alone says nothing, where AWS can list them."""
    if not any(_is_profile_id(cell) for table in tables for row in table.rows for cell in row):
        return tables
    try:
        names = profiles_of(account)
    except OpsError as error:
        print_note(f"tables show profiles by their ids: {error}")
        return tables

    def named(cell: Cell) -> Cell:
        return f"{names[cell]} ({cell})" if isinstance(cell, str) and cell in names else cell

    return [replace(table, rows=[tuple(map(named, row)) for row in table.rows]) for table in tables]


def _is_profile_id(cell: Cell) -> bool:
    return isinstance(cell, str) and _PROFILE_ID.fullmatch(cell) is not None
