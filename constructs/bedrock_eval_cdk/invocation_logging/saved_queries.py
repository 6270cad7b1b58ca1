"""Saved queries of Logs Insights, in a folder of the environment's name."""

from collections.abc import Mapping

from aws_cdk import aws_logs as logs

from bedrock_eval.invocation_log.queries import LONGEST_TEXT, saved_queries
from bedrock_eval.names import PhysicalNames
from bedrock_eval.pricing.costs import Rates
from bedrock_eval_cdk.core.errors import DeclarationError
from constructs import Construct


class SavedQueries(Construct):
    """The questions of docs/logs.md for the console, on the invocation log.

    Args:
        rates: by model or profile id (which may be tokens); what is not in it is shown as unpriced tokens.

    Raises:
        DeclarationError: so many rates that the text of a query is too long.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: PhysicalNames, log_group: str, rates: Mapping[str, Rates]
    ) -> None:
        super().__init__(scope, construct_id)
        # Assumption: failed-calls-logged
        for name, text in saved_queries(rates=rates).items():
            if len(text) > LONGEST_TEXT:
                raise DeclarationError(
                    f"the saved query {name!r} with the rates of {len(rates)} models and profiles has {len(text):,} "
                    f"characters; allowed: {LONGEST_TEXT:,}; split the environment"
                )
            logs.CfnQueryDefinition(
                self,
                name.title().replace(" ", ""),
                name=names.saved_query(name),
                query_string=text,
                log_group_names=[log_group],
            )
