"""CloudFormation: missing resource types, and properties that would be dropped.

Stock ministack refuses AWS::CloudWatch::CompositeAlarm, AWS::CloudWatch::AnomalyDetector, AWS::Logs::QueryDefinition
and AWS::Budgets::Budget; it drops a function's DeadLetterConfig and ReservedConcurrentExecutions, accepts a function
without code, keeps a third of a schedule's properties and ignores the errors of creating it, and drops a topic's key,
a role's PermissionsBoundary and a state machine's TracingConfiguration. CloudFormation keeps them all, or fails the
resource with the service's message. It also takes any role: Lambda, Step Functions and Scheduler refuse one that they
cannot assume, in the same words when it does not trust them and when it is so fresh that they do not know it yet.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import budgets, cloudwatch, iam, lambda_svc, scheduler, sns, stepfunctions
from ministack.services.cloudformation import provisioners

from local.emulator.patches import json_actions, logs
from local.emulator.patches.sns import await_confirmation

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
Answer = tuple[int, dict[str, str], Any]

anomaly_detectors = responses.AccountRegionScopedDict()


def _require_success(answer: Answer) -> None:
    """Turn a service's refusal into the failure of the resource, with the service's own message."""
    status, _, body = answer
    if status < 400:
        return
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    raise ValueError(document.get("message") or document.get("Message") or str(body))


def _flag(value: object) -> bool:
    return str(value).lower() == "true"


_REFUSALS = {
    "lambda": "The role defined for the function cannot be assumed by Lambda.",
    "scheduler": "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    "states": "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to "
    "assume the provided role.",
}


def _require_trust(role_arn: str, service: str) -> None:
    """Refuse a role that does not trust the service. One that was not made here is taken as it is."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role is None:
        return
    trust = role["AssumeRolePolicyDocument"]
    if f"{service}.amazonaws.com" not in (trust if isinstance(trust, str) else json.dumps(trust)):
        raise ValueError(_REFUSALS[service])


def _register(
    resource_type: str,
    *,
    create: Callable[[str, Properties, str], Made],
    update: Callable[[str, Properties, Properties, str], Made],
    delete: Callable[[str, Properties], None],
) -> None:
    provisioners._RESOURCE_HANDLERS[resource_type] = {"create": create, "update": update, "delete": delete}


# --- alarms ---------------------------------------------------------------------------------------------------------


def _put_composite(name: str, properties: Properties) -> Made:
    if properties.get("ActionsSuppressor"):
        raise ValueError("AWS::CloudWatch::CompositeAlarm ActionsSuppressor is not emulated locally")
    given = {key: value for key, value in properties.items() if key != "Tags"}
    request = {**given, "AlarmName": name, "ActionsEnabled": _flag(properties.get("ActionsEnabled", True))}
    is_new = name not in cloudwatch._composite_alarms
    _require_success(
        cloudwatch._put_composite_alarm(
            {}, {**request, "Tags": properties.get("Tags") or []} if is_new else request, False, True
        )
    )
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _create_composite(logical_id: str, properties: Properties, stack: str) -> Made:
    name = properties.get("AlarmName") or provisioners._physical_name(stack, logical_id, max_len=255)
    return _put_composite(name, properties)


def _update_composite(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Made:
    name = new.get("AlarmName") or physical_id
    made = _put_composite(name, new)
    if name != physical_id:
        _delete_composite(physical_id, new)
    return made


def _delete_composite(physical_id: str, _properties: Properties) -> None:
    _require_success(cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, False, True))


# --- anomaly detectors ----------------------------------------------------------------------------------------------

_DETECTOR_KEYS = (
    "Namespace",
    "MetricName",
    "Dimensions",
    "Stat",
    "Configuration",
    "SingleMetricAnomalyDetector",
    "MetricMathAnomalyDetector",
    "MetricCharacteristics",
)


def _create_detector(_logical_id: str, properties: Properties, _stack: str) -> Made:
    detector_id = responses.new_uuid()
    kept = {key: properties[key] for key in _DETECTOR_KEYS if key in properties}
    anomaly_detectors[detector_id] = {**kept, "StateValue": "TRAINED_INSUFFICIENT_DATA"}
    return detector_id, {"Id": detector_id}


def _update_detector(physical_id: str, _old: Properties, new: Properties, stack: str) -> Made:
    anomaly_detectors.pop(physical_id, None)
    return _create_detector("", new, stack)


def _delete_detector(physical_id: str, _properties: Properties) -> None:
    anomaly_detectors.pop(physical_id, None)


# --- saved queries --------------------------------------------------------------------------------------------------


def _put_query(properties: Properties, query_id: str | None) -> Made:
    made = logs.put_query_definition(
        {
            "queryDefinitionId": query_id,
            "name": properties["Name"],
            "queryString": properties["QueryString"],
            "logGroupNames": properties.get("LogGroupNames"),
        }
    )
    return made, {"QueryDefinitionId": made}


def _delete_query(physical_id: str, _properties: Properties) -> None:
    logs.query_definitions.pop(physical_id, None)


# --- budgets --------------------------------------------------------------------------------------------------------


def _create_budget(logical_id: str, properties: Properties, stack: str) -> Made:
    budget = dict(properties["Budget"])
    budget["BudgetName"] = budget.get("BudgetName") or provisioners._physical_name(stack, logical_id, max_len=100)
    if budget.get("BudgetLimit"):
        budget["BudgetLimit"] = {key: str(value) for key, value in budget["BudgetLimit"].items()}
    request = {
        "Budget": budget,
        "NotificationsWithSubscribers": [
            {
                "Notification": {
                    **entry["Notification"],
                    "Threshold": float(entry["Notification"]["Threshold"]),
                },
                "Subscribers": entry["Subscribers"],
            }
            for entry in properties.get("NotificationsWithSubscribers") or []
        ],
    }
    _require_success(budgets._create_budget(request))
    return str(budget["BudgetName"]), {}


def _update_budget(physical_id: str, _old: Properties, new: Properties, stack: str) -> Made:
    _delete_budget(physical_id, {})
    named = {**new, "Budget": {**new["Budget"], "BudgetName": new["Budget"].get("BudgetName") or physical_id}}
    return _create_budget(physical_id, named, stack)


def _delete_budget(physical_id: str, _properties: Properties) -> None:
    budgets._delete_budget({"BudgetName": physical_id})


# --- schedules ------------------------------------------------------------------------------------------------------


def _schedule_request(properties: Properties) -> dict[str, Any]:
    request = {key: value for key, value in properties.items() if key not in {"Name", "StartDate", "EndDate"}}
    target = dict(request.get("Target") or {})
    policy = target.get("RetryPolicy")
    if policy:
        target["RetryPolicy"] = {key: int(value) for key, value in policy.items()}
    window = dict(request.get("FlexibleTimeWindow") or {})
    if "MaximumWindowInMinutes" in window:
        window["MaximumWindowInMinutes"] = int(window["MaximumWindowInMinutes"])
    request.update(Target=target, FlexibleTimeWindow=window)
    for key in ("StartDate", "EndDate"):
        if properties.get(key):
            request[key] = scheduler._to_epoch(properties[key])
    return request


def _create_schedule(logical_id: str, properties: Properties, stack: str) -> Made:
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=64)
    _require_trust(properties["Target"]["RoleArn"], "scheduler")
    _require_success(scheduler._create_schedule(name, _schedule_request(properties)))
    return name, {"Arn": scheduler._schedule_arn(properties.get("GroupName", "default"), name)}


def _update_schedule(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    name = new.get("Name") or physical_id
    group = new.get("GroupName", "default")
    if (name, group) != (physical_id, old.get("GroupName", "default")):
        made = _create_schedule(name, {**new, "Name": name}, stack)
        _delete_schedule(physical_id, old)
        return made
    _require_success(scheduler._update_schedule(name, _schedule_request(new)))
    return name, {"Arn": scheduler._schedule_arn(group, name)}


def _delete_schedule(physical_id: str, properties: Properties) -> None:
    provisioners._scheduler_schedule_delete(physical_id, properties)


# --- types that stock ministack makes, but not completely -----------------------------------------------------------


def _beforehand(resource_type: str, check: Callable[[Properties], None]) -> None:
    """Run ``check(properties)`` before stock creates a resource."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    create = handler["create"]

    def check_and_create(logical_id: str, properties: Properties, stack: str) -> Made:
        check(properties)
        made: Made = create(logical_id, properties, stack)
        return made

    handler.update(create=check_and_create)


def _afterwards(resource_type: str, finish: Callable[[str, Properties], None]) -> None:
    """Run ``finish(physical id, properties)`` after stock creates or updates a resource."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handler["create"], handler["update"]

    def create_and_finish(logical_id: str, properties: Properties, stack: str) -> Made:
        made: Made = create(logical_id, properties, stack)
        finish(made[0], properties)
        return made

    def update_and_finish(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Made:
        made: Made = update(physical_id, old, new, *rest)
        finish(made[0], new)
        return made

    handler.update(create=create_and_finish, update=update_and_finish)


def _finish_function(name: str, properties: Properties) -> None:
    function = lambda_svc._functions[name]
    code = properties.get("Code") or {}
    if not function.get("code_zip") and not code.get("ImageUri"):
        lambda_svc._functions.pop(name, None)
        raise ValueError(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not "
            f"exist: s3://{code.get('S3Bucket')}/{code.get('S3Key')}"
        )
    reserved = properties.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
    for key in ("DeadLetterConfig", "KmsKeyArn"):
        if properties.get(key):
            function["config"][key] = properties[key]
        else:
            function["config"].pop(key, None)


_TOPIC_ATTRIBUTES = ("KmsMasterKeyId", "SignatureVersion", "TracingConfig")


def _finish_topic(arn: str, properties: Properties) -> None:
    attributes = sns._topics[arn]["attributes"]
    for key in _TOPIC_ATTRIBUTES:
        if properties.get(key):
            attributes[key] = str(properties[key])
        else:
            attributes.pop(key, None)


def _finish_role(name: str, properties: Properties) -> None:
    iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")


def _finish_state_machine(arn: str, properties: Properties) -> None:
    machine = stepfunctions._state_machines[arn]
    tracing = properties.get("TracingConfiguration")
    machine["tracingConfiguration"] = {"enabled": _flag((tracing or {}).get("Enabled", False))}
    logging = properties.get("LoggingConfiguration")
    if logging:
        machine["loggingConfiguration"] = {
            "level": logging.get("Level", "OFF"),
            "includeExecutionData": _flag(logging.get("IncludeExecutionData", False)),
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": d["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
                for d in logging.get("Destinations") or []
            ],
        }


def _describe_with_tracing(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def describe(data: dict[str, Any]) -> Answer:
        status, headers, body = stock(data)
        machine = stepfunctions._state_machines.get(data.get("stateMachineArn"))
        if status >= 400 or not machine or "tracingConfiguration" not in machine:
            return status, headers, body
        document = {**json.loads(body), "tracingConfiguration": machine["tracingConfiguration"]}
        return status, headers, json.dumps(document).encode()

    return describe


def _describe_detectors(_data: Mapping[str, Any]) -> dict[str, Any]:
    return {"AnomalyDetectors": anomaly_detectors.values()}


def _metric_filter_payload(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A template may write a metric value as a number; the API has it as text."""

    def payload(group: str, name: str, properties: Properties) -> dict[str, Any]:
        made = stock(group, name, properties)
        for transformation in made["metricTransformations"]:
            transformation["metricValue"] = str(transformation["metricValue"])
        return made

    return payload


def apply() -> None:
    """Register the missing types and complete the others."""
    _register(
        "AWS::CloudWatch::CompositeAlarm",
        create=_create_composite,
        update=_update_composite,
        delete=_delete_composite,
    )
    _register(
        "AWS::CloudWatch::AnomalyDetector", create=_create_detector, update=_update_detector, delete=_delete_detector
    )
    _register(
        "AWS::Logs::QueryDefinition",
        create=lambda _logical_id, properties, _stack: _put_query(properties, None),
        update=lambda physical_id, _old, new, _stack: _put_query(new, physical_id),
        delete=_delete_query,
    )
    _register("AWS::Budgets::Budget", create=_create_budget, update=_update_budget, delete=_delete_budget)
    _register("AWS::Scheduler::Schedule", create=_create_schedule, update=_update_schedule, delete=_delete_schedule)
    _beforehand("AWS::Lambda::Function", lambda properties: _require_trust(properties["Role"], "lambda"))
    _beforehand("AWS::StepFunctions::StateMachine", lambda properties: _require_trust(properties["RoleArn"], "states"))
    _afterwards("AWS::Lambda::Function", _finish_function)
    _afterwards("AWS::SNS::Topic", _finish_topic)
    _afterwards("AWS::SNS::Subscription", await_confirmation)
    _afterwards("AWS::IAM::Role", _finish_role)
    _afterwards("AWS::StepFunctions::StateMachine", _finish_state_machine)
    stepfunctions._describe_state_machine = _describe_with_tracing(stepfunctions._describe_state_machine)
    provisioners._cwlogs_metric_filter_payload = _metric_filter_payload(provisioners._cwlogs_metric_filter_payload)
    json_actions.add_actions(cloudwatch, {"DescribeAnomalyDetectors": _describe_detectors})
