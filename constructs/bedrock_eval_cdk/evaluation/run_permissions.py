"""What every function that runs evaluations may do, whoever scores them."""

from aws_cdk import aws_kms as kms

from bedrock_eval.catalogue import CUSTOM
from bedrock_eval.layout import BASELINES, DEFINITIONS, RUNS
from bedrock_eval_cdk.core.functions import PythonFunction
from bedrock_eval_cdk.core.permissions import allow_key, allow_listing
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData


def allow_runs(function: PythonFunction, *, data: EvaluationData, key: kms.IKey) -> None:
    """Read datasets, definitions and accepted runs, write `runs/`, publish to Custom/Bedrock."""
    datasets, results = data.datasets, data.results
    allow_listing(function.role, datasets)
    allow_listing(function.role, results)
    function.allow(
        actions=["s3:GetObject"],
        resources=[datasets.arn_for_objects("*"), results.arn_for_objects(f"{DEFINITIONS}*")],
        wildcard="Which dataset and definition a run reads is known when it starts; all are this environment's.",
    )
    function.allow(
        actions=["s3:GetObject"],
        resources=[results.arn_for_objects(f"{BASELINES}*")],
        wildcard="Which accepted run is the baseline changes by review, not by deploying a permission.",
    )
    function.allow(
        actions=["s3:GetObject", "s3:PutObject"],
        resources=[results.arn_for_objects(f"{RUNS}*")],
        wildcard="A run's folder is named by its time; all lie below this prefix.",
    )
    allow_key(function.role, key)
    function.allow(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": CUSTOM}},
        wildcard="PutMetricData knows no resource; the condition limits it to the namespace Custom/Bedrock.",
    )
