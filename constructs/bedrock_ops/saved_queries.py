"""Saved queries of Logs Insights, in a folder of the environment's name."""

from collections.abc import Mapping

from aws_cdk import aws_logs as logs

from bedrock_eval.costs import Rates
from bedrock_eval.log_queries import saved_queries
from bedrock_eval.names import PhysicalNames
from constructs import Construct


class SavedQueries(Construct):
    """The questions of docs/logs.md for the console, on the invocation log.

    Args:
        rates: by model or profile id (which may be tokens); what is not in it is shown as unpriced tokens.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: PhysicalNames, log_group: str, rates: Mapping[str, Rates]
    ) -> None:
        super().__init__(scope, construct_id)
        for name, text in saved_queries(rates=rates).items():
            logs.CfnQueryDefinition(
                self,
                name.title().replace(" ", ""),
                name=names.saved_query(name),
                query_string=text,
                log_group_names=[log_group],
            )
