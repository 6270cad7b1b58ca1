"""Every request of every function, made by whatever boto3 the import path gives, and answered before it is sent.

    PYTHONPATH=<folder of a boto3>:<root> python -m tests.support.aws.sdk_run

Says as JSON which boto3 that was, which operations it was asked for, what came of each function, and what these logged.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import botocore
from botocore import xform_name
from botocore.model import ListShape, MapShape, Shape, StructureShape

ENVIRONMENT = {
    "APPLICATION": "shop",
    "RESULTS_BUCKET": "results",
    "PREFIX": "shop-dev",
    "RUNBOOK_URL": "https://example.com/runbook",
    "MESSAGES_TOPIC": "arn:aws:sns:us-east-1:111111111111:messages",
    "CHAT_TOPIC": "arn:aws:sns:us-east-1:111111111111:chat",
    "JOB_ROLE": "arn:aws:iam::111111111111:role/jobs",
    "JOBS_OUTPUT": "s3://results/jobs/",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
os.environ.update(ENVIRONMENT)
os.environ.pop("AWS_DATA_PATH", None)

from bedrock_eval.jobs.request import evaluation_mark  # noqa: E402
from bedrock_eval.layout import RunLayout, definition_key  # noqa: E402
from bedrock_eval.names import run_id  # noqa: E402
from bedrock_eval.runs.state import Progress, RunState, RunStatus, timestamp  # noqa: E402
from bedrock_eval.runs.traffic import Traffic  # noqa: E402
from bedrock_eval_functions.alarm_formatter import handler as formatter  # noqa: E402 - the environment comes first
from bedrock_eval_functions.custom_evaluator import handler as evaluator  # noqa: E402
from bedrock_eval_functions.custom_resources import (  # noqa: E402
    bucket_emptier,
    cfn,
    dataset,
    definition,
    flow_definition,
    invocation_logging,
    watchdog_primer,
)
from bedrock_eval_functions.watchdog import handler as watchdog  # noqa: E402
from bedrock_eval_runs.jobs.control import Control  # noqa: E402
from bedrock_eval_runs.jobs.services import services as job_services  # noqa: E402
from tests.support.aws.notifications import VERDICT  # noqa: E402
from tests.support.fakes import FakeContext, FakeS3, answer, client_error  # noqa: E402
from tests.support.runs.custom import DEFINITION, SLICE  # noqa: E402
from tests.unit.bedrock_eval.jobs import test_requests as jobs  # noqa: E402

FLAGS = ("text", "image", "embedding", "video", "audio")
TOPIC = ENVIRONMENT["MESSAGES_TOPIC"]
PRIMED = {
    "FunctionName": "shop-dev-watchdog",
    "Application": "shop",
    "Bucket": "results",
    "WatchList": json.dumps(
        {
            "models": ["amazon.nova-lite-v1:0"],
            "priced": {"haiku": {"input": 1.0, "output": 5.0}},
            "reads": {},
            "log_group": "/log",
            "people": {
                "declared": [{"topic": TOPIC, "protocol": "email", "endpoint": "jane@example.com"}],
                "messages": TOPIC,
                "prefix": "shop-dev",
                "runbook": "https://example.com/runbook",
            },
            "budget": "arn:aws:budgets::111111111111:budget/shop-dev",
            "dead_letters": ["shop-dev-dead-letters"],
        }
    ),
}
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Aws:
    """As much of AWS as gets every function to its end. S3 is the unit tests' fake."""

    def __init__(self) -> None:
        self.s3 = FakeS3()
        self.asked: dict[str, list[Mapping[str, Any]]] = {}
        self.logging: dict[str, Any] | None = {"s3Config": {"bucketName": "theirs"}, "audioDataDeliveryEnabled": True}
        self.parameters: dict[str, str] = {}
        self.flow: dict[str, Any] | None = None
        self.jobs: list[dict[str, Any]] = []

    def call(self, operation: Any, request: Mapping[str, Any]) -> Any:
        """What comes back for a request, as boto3's model of the operation reads it."""
        name = xform_name(operation.name)
        self.asked.setdefault(name, []).append(request)
        own = getattr(self, name, None)
        if own is None and name.startswith("list_"):
            return self._page(name, request)
        found = (own or getattr(self.s3, name))(**request)
        return as_read(found or {}, operation.output_shape)

    def _page(self, name: str, request: Mapping[str, Any]) -> dict[str, list[Any]]:
        whole: dict[str, list[Any]] = {}
        for page in self.s3.get_paginator(name).paginate(**request):
            for key, entries in page.items():
                whole.setdefault(key, []).extend(entries)
        return whole

    def copy_object(self, **request: Any) -> None:
        # boto3 has made a path of the source.
        bucket, _, key = request.pop("CopySource").partition("/")
        self.s3.copy_object(CopySource={"Bucket": bucket, "Key": key}, **request)

    def get_model_invocation_logging_configuration(self) -> Any:
        return {} if self.logging is None else {"loggingConfig": self.logging}

    def put_model_invocation_logging_configuration(self, **request: Any) -> None:
        self.logging = request["loggingConfig"]

    def delete_model_invocation_logging_configuration(self) -> None:
        self.logging = None

    def get_parameter(self, **request: Any) -> Any:
        if request["Name"] not in self.parameters:
            raise client_error("ParameterNotFound")
        return {"Parameter": {"Value": self.parameters[request["Name"]]}}

    def put_parameter(self, **request: Any) -> None:
        self.parameters[request["Name"]] = request["Value"]

    def delete_parameter(self, **request: Any) -> None:
        del self.parameters[request["Name"]]

    def describe_flow_definition(self, **request: Any) -> Any:
        if self.flow is None:
            raise client_error("ResourceNotFound")
        return self.flow

    def create_flow_definition(self, **request: Any) -> Any:
        arn = "arn:aws:sagemaker:us-east-1:111111111111:flow-definition/f"
        self.flow = {**request, "FlowDefinitionStatus": "Active", "FlowDefinitionArn": arn}
        return {"FlowDefinitionArn": arn}

    def delete_flow_definition(self, **request: Any) -> None:
        self.flow = None

    def invoke(self, **request: Any) -> Any:
        return {"StatusCode": 200, "Payload": io.BytesIO(b'{"datums": 1}')}

    def get_metric_statistics(self, **request: Any) -> Any:
        return {"Datapoints": [{"Sum": 1.0}]}

    def get_metric_data(self, **request: Any) -> Any:
        ids = [query["Id"] for query in request["MetricDataQueries"]]
        return {"MetricDataResults": [{"Id": each, "Values": [5.0], "StatusCode": "Complete"} for each in ids]}

    def list_metrics(self, **request: Any) -> Any:
        dimensions = [{"Name": "ModelId", "Value": "stranger"}]
        return {"Metrics": [{"Namespace": request["Namespace"], "MetricName": "New", "Dimensions": dimensions}]}

    def start_query(self, **request: Any) -> Any:
        return {"queryId": "q"}

    def get_query_results(self, **request: Any) -> Any:
        return {"status": "Complete", "results": [[{"field": "calls", "value": "3"}]]}

    def put_metric_data(self, **request: Any) -> None:
        """Taken."""

    def converse(self, **request: Any) -> Any:
        return answer({"text": "an answer"})

    def get_foundation_model(self, **request: Any) -> Any:
        life = {"status": "LEGACY", "endOfLifeTime": datetime(2026, 12, 24, tzinfo=UTC)}
        return {"modelDetails": {"modelArn": "a", "modelId": request["modelIdentifier"], "modelLifecycle": life}}

    def describe_alarms(self, **request: Any) -> Any:
        return {"MetricAlarms": [], "CompositeAlarms": []}

    def describe_alarm_history(self, **request: Any) -> Any:
        changes = [{"oldState": {"stateValue": "ALARM"}, "newState": {"stateValue": "INSUFFICIENT_DATA"}}]
        return {"AlarmHistoryItems": [{"HistoryData": json.dumps(each)} for each in changes]}

    def list_subscriptions_by_topic(self, **request: Any) -> Any:
        found = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "jane@example.com"}
        return {"Subscriptions": [{**found, "TopicArn": request["TopicArn"]}]}

    def describe_budget(self, **request: Any) -> Any:
        return {"Budget": {"BudgetName": request["BudgetName"], "CalculatedSpend": {"ActualSpend": {"Amount": "0.0"}}}}

    def get_queue_url(self, **request: Any) -> Any:
        return {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/111111111111/{request['QueueName']}"}

    def get_queue_attributes(self, **request: Any) -> Any:
        return {"Attributes": dict.fromkeys(request["AttributeNames"], "0")}

    def publish(self, **request: Any) -> Any:
        return {"MessageId": "m"}

    def create_evaluation_job(self, **request: Any) -> Any:
        arn = f"arn:aws:bedrock:us-east-1:111111111111:evaluation-job/{len(self.jobs):012}"
        job = {"jobArn": arn, "jobName": request["jobName"], "status": "Completed", "creationTime": NOW}
        self.jobs.append(job)
        return {"jobArn": arn}

    def get_evaluation_job(self, **request: Any) -> Any:
        return next(job for job in self.jobs if job["jobArn"] == request["jobIdentifier"])

    def list_evaluation_jobs(self, **request: Any) -> Any:
        return {"jobSummaries": [job for job in self.jobs if request["nameContains"] in job["jobName"]]}

    def stop_evaluation_job(self, **request: Any) -> None:
        """It stops."""

    def batch_delete_evaluation_job(self, **request: Any) -> Any:
        return {"errors": [], "evaluationJobs": [{"jobIdentifier": each} for each in request["jobIdentifiers"]]}


def as_read(value: Any, shape: Shape | None) -> Any:
    """An answer without what boto3's model lacks: its parsers drop that."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {key: as_read(item, shape.members[key]) for key, item in value.items() if key in shape.members}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [as_read(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: as_read(item, shape.value) for key, item in value.items()}
    return value


class Lines(logging.Handler):
    """Keeps what is said from a warning on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


def answering(aws: Aws) -> None:
    """From now on every client of boto3 builds, checks and serializes its requests, and sends none."""
    made = boto3.client

    def remember(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        # boto3 has made a file of the body already, and added what the fake does not need.
        whole = {key: value.read() if hasattr(value, "read") else value for key, value in params.items()}
        context["asked"] = {key: value for key, value in whole.items() if not key.startswith(("Checksum", "Encoding"))}

    def answer_it(model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, Any]:
        return SimpleNamespace(status_code=200), aws.call(model, context["asked"])

    def client(*arguments: Any, **options: Any) -> Any:
        found = made(*arguments, **options)
        found.meta.events.register("before-parameter-build", remember)
        found.meta.events.register("before-call", answer_it)
        return found

    boto3.client = client  # type: ignore[assignment]


def custom_resource(handler: Any, kind: str, properties: Mapping[str, Any], **more: Any) -> str:
    """What CloudFormation is told."""
    answers: list[dict[str, Any]] = []
    cfn._put = lambda url, body, deadline: answers.append(json.loads(body))  # type: ignore[assignment]
    event = {
        "RequestType": kind,
        "ResponseURL": "https://cloudformation.example/answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Thing",
        "ResourceProperties": properties,
        **more,
    }
    handler(event, FakeContext(300))
    return f"{answers[0]['Status']}: {answers[0]['Reason']}"


def texts(value: Any) -> Any:
    """Every scalar as text, as CloudFormation hands it over."""
    if isinstance(value, Mapping):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def logging_setting(**changes: bool) -> dict[str, Any]:
    flags = {f"{kind}DataDeliveryEnabled": kind == "text" for kind in FLAGS}
    destination = {"logGroupName": "g", "roleArn": "arn:aws:iam::111111111111:role/r"}
    bucket = {"largeDataDeliveryS3Config": {"bucketName": "large-bodies", "keyPrefix": "p"}}
    config = {"cloudWatchConfig": {**destination, **bucket}, **flags, **changes}
    return {"Mode": "adopt", "OnDelete": "restore", "ParameterName": "/p", "Config": texts(config)}


def custom_resources(aws: Aws) -> dict[str, Any]:
    s3 = aws.s3
    s3.tags["logs"] = {"to-go": "true"}
    s3.versions["logs"] = [{"Key": "k", "VersionId": "1"}, {"Key": "k", "VersionId": "2"}]
    s3.uploads["logs"] = [{"Key": "open", "UploadId": "1"}]
    bucket_emptier.PAUSE_SECONDS = 0
    s3.put_object(Bucket="assets", Key="abc", Body=b'{"prompt": "p"}')
    file = {"SourceBucket": "assets", "SourceKey": "abc", "Bucket": "data", "Key": "d.jsonl"}
    defined = {"Bucket": "elsewhere", "Definition": texts(DEFINITION.to_json())}
    people = {
        "Name": "shop-dev-rated",
        "WorkteamArn": "arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support",
        "HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:aws:human-task-ui/Evaluation",
        "TaskTitle": "Rate",
        "TaskDescription": "Rate answers.",
        "S3OutputPath": "s3://results/people/",
        "KmsKeyId": "arn:aws:kms:us-east-1:111111111111:key/k",
        "RoleArn": "arn:aws:iam::111111111111:role/people",
        "TaskCount": "1",
        "TaskAvailabilityLifetimeInSeconds": "3600",
        "TaskTimeLimitInSeconds": "600",
    }
    told = {}
    for name, handler, properties in (
        ("emptier", bucket_emptier.handler, {"Bucket": "logs", "Tag": "to-go"}),
        ("dataset", dataset.handler, file),
        ("definition", definition.handler, defined),
        ("flow definition", flow_definition.handler, people),
        ("primer", watchdog_primer.handler, PRIMED),
    ):
        told[f"{name} made"] = custom_resource(handler, "Create", properties)
        told[f"{name} gone"] = custom_resource(handler, "Delete", properties, PhysicalResourceId="made-before")
    return {**told, **settings_of_the_account(aws)}


def settings_of_the_account(aws: Aws) -> dict[str, Any]:
    handler = invocation_logging.handler
    told = {"logging adopted": custom_resource(handler, "Create", logging_setting())}
    put = aws.asked["put_model_invocation_logging_configuration"][-1]["loggingConfig"]
    told["logging gone"] = custom_resource(handler, "Delete", logging_setting(), PhysicalResourceId="x")
    aws.logging = None
    audio = logging_setting(audioDataDeliveryEnabled=True)
    told["logging with audio"] = custom_resource(handler, "Create", audio)
    told["logging removed"] = custom_resource(handler, "Delete", logging_setting(), PhysicalResourceId="x")
    custom_resource(handler, "Create", logging_setting())
    told["own logging removed"] = custom_resource(handler, "Delete", logging_setting(), PhysicalResourceId="x")
    return {**told, "put": sorted(put)}


def evaluation(aws: Aws) -> dict[str, Any]:
    key = definition_key(DEFINITION.evaluation)
    aws.s3.put_object(Bucket="results", Key=key, Body=json.dumps(DEFINITION.to_json()).encode())
    lines = [json.dumps({"prompt": f"p{number}", "referenceResponse": "an answer"}) for number in range(3)]
    dataset_key = DEFINITION.dataset.key
    aws.s3.put_object(Bucket=DEFINITION.dataset.bucket, Key=dataset_key, Body="\n".join(lines).encode())
    run = evaluator.handler(SLICE, FakeContext())
    published = evaluator.handler({**SLICE, "action": "publish"}, FakeContext())
    return {"slice": run["status"], "publish": published["status"]}


def evaluation_jobs() -> dict[str, Any]:
    control = Control(job_services().bedrock)
    for kind, made in jobs.EVERY_KIND.items():
        arns = [control.create(request, room_comes=False) for request in jobs.requests(made)]
        assert arns, kind
    seen = control.look(arns[0])
    pruned = control.prune(containing=evaluation_mark(jobs.AUTOMATIC), keep=1)
    return {"seen": str(seen and seen.status), "stopped": control.stop(arns[0]) is None, "deleted": pruned.deleted > 0}


def ran_through_a_profile(aws: Aws) -> None:
    """A run that the watchdog holds against metrics and log."""
    profile = "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/own"
    candidate = replace(DEFINITION.candidates[0], invoke_id=profile)
    definition = replace(DEFINITION, evaluation="through-profile", candidates=(candidate,), schedule=None)
    body = json.dumps(definition.to_json()).encode()
    aws.s3.put_object(Bucket="results", Key=definition_key(definition.evaluation), Body=body)
    began = datetime.now(UTC) - timedelta(hours=2)
    name, moment = run_id(began), timestamp(began)
    counted = {candidate.name: Progress(traffic=Traffic(profile, answered=3))}
    state = RunState(definition.evaluation, name, RunStatus.FINISHED, moment, moment, candidates=counted)
    key = RunLayout(definition.evaluation, name).state
    aws.s3.put_object(Bucket="results", Key=key, Body=state.to_json().encode())


def watching(aws: Aws) -> dict[str, Any]:
    ran_through_a_profile(aws)
    custom_resource(watchdog_primer.handler, "Create", PRIMED)
    return watchdog.handler({}, FakeContext())


def main() -> None:
    """Run everything once."""
    aws, lines = Aws(), Lines()
    answering(aws)
    logging.getLogger().addHandler(lines)
    over = {**VERDICT, "OldStateValue": "INSUFFICIENT_DATA", "NewStateValue": "OK"}
    records = [{"Sns": {"Message": json.dumps(each), "Subject": "s"}} for each in (VERDICT, over)]
    told = {**custom_resources(aws), **evaluation(aws), **evaluation_jobs(), **watching(aws)}
    formatter.handler({"Records": records}, None)
    published = [datum for request in aws.asked["put_metric_data"] for datum in request["MetricData"]]
    days = {datum["Value"] for datum in published if datum["MetricName"] == "days_to_end_of_life"}
    found = {"version": botocore.__version__, "asked": sorted(aws.asked), "told": told}
    sys.stdout.write(json.dumps({**found, "logged": lines.messages, "days": sorted(days)}))


if __name__ == "__main__":
    main()
