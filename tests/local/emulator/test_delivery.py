"""Topics and queues: deliveries, encryption settings, and the metrics of a queue."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from local.process import ACCOUNT
from tests.support.local.emulator import Clients, Deploy, eventually


@pytest.fixture
def web() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP subscriber that confirms and remembers."""
    received: list[dict[str, Any]] = []

    class Subscriber(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Subscriber)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()


def test_an_encrypted_topic_reaches_queue_and_web(
    clients: Clients, deploy: Deploy, web: tuple[str, list[dict[str, Any]]]
) -> None:
    url, received = web
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    queue_statement = {**statement, "Action": "sqs:SendMessage", "Principal": {"Service": "sns.amazonaws.com"}}
    stack = deploy(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/aws/sns"}},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": "alias/aws/sqs"}},
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document},
            },
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [queue_statement]},
                },
            },
            "ToQueue": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "sqs",
                    "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                },
            },
        }
    )
    topic, queue = stack.id_of("Topic"), stack.id_of("Queue")
    attributes = clients("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/aws/sns"
    stored = json.loads(attributes["Policy"])["Statement"]
    assert statement in stored
    queue_policy = clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert json.loads(queue_policy["Policy"])["Statement"] == [queue_statement]

    clients("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    confirmation = eventually(lambda: received and received[0])
    assert confirmation["Type"] == "SubscriptionConfirmation"
    clients("sns").confirm_subscription(TopicArn=topic, Token=confirmation["Token"])
    clients("sns").publish(TopicArn=topic, Subject="hello", Message="world")
    told = eventually(lambda: [m for m in received if m["Type"] == "Notification"])
    assert (told[0]["Subject"], told[0]["Message"]) == ("hello", "world")
    (message,) = clients("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    assert json.loads(message["Body"])["Message"] == "world"


def test_a_filling_queue_shows_in_its_metric(clients: Clients) -> None:
    name = f"filling-{uuid.uuid4().hex[:8]}"
    url = clients("sqs").create_queue(QueueName=name)["QueueUrl"]
    for number in range(3):
        clients("sqs").send_message(QueueUrl=url, MessageBody=str(number))

    def largest() -> float:
        answer = clients("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": name}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )
        return max((d["Maximum"] for d in answer["Datapoints"]), default=0.0)

    eventually(lambda: largest() == 3, seconds=8)


def test_a_topic_calls_a_function_again_and_then_its_destination(
    clients: Clients, function: Callable[..., str]
) -> None:
    """Stock ministack calls once and forgets the error."""
    arn = function("def handler(event, context):\n    raise ValueError(event['Records'][0]['Sns']['Message'])")
    alarms, people = (
        clients("sns").create_topic(Name=f"{name}-{uuid.uuid4().hex[:8]}")["TopicArn"] for name in ("alarms", "people")
    )
    queue = clients("sqs").create_queue(QueueName=f"inbox-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    clients("sns").subscribe(TopicArn=people, Protocol="sqs", Endpoint=queue_arn)
    clients("sns").subscribe(TopicArn=alarms, Protocol="lambda", Endpoint=arn)
    clients("lambda").put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": people}}
    )
    clients("sns").publish(TopicArn=alarms, Message="unreadable", Subject="ALARM")
    (message,) = eventually(
        lambda: clients("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"), seconds=10
    )
    record = json.loads(json.loads(message["Body"])["Message"])
    assert record["requestPayload"]["Records"][0]["Sns"]["Message"] == "unreadable"
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_a_message_has_a_form_for_each_protocol(clients: Clients) -> None:
    topic = clients("sns").create_topic(Name=f"forms-{uuid.uuid4().hex[:8]}")["TopicArn"]
    queue = clients("sqs").create_queue(QueueName=f"forms-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    clients("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    forms = json.dumps({"default": "for programs", "email": "for people"})
    clients("sns").publish(TopicArn=topic, Message=forms, MessageStructure="json")
    (message,) = clients("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    assert json.loads(message["Body"])["Message"] == "for programs"


def counted(clients: Clients, namespace: str, name: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    points = clients("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(float(point["Sum"]) for point in points)


def test_what_a_topic_hands_to_a_function_is_counted(clients: Clients, function: Callable[..., str]) -> None:
    sns, name = clients("sns"), f"f{uuid.uuid4().hex[:8]}"
    arn = function("def handler(event, context):\n    raise ValueError('no')\n", name=name)
    clients("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    topic = sns.create_topic(Name=f"t{uuid.uuid4().hex[:8]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="x")
    eventually(lambda: counted(clients, "AWS/Lambda", "Errors", FunctionName=name) == 1)
    assert counted(clients, "AWS/Lambda", "Invocations", FunctionName=name) == 1
    # By the API it counts once more, not twice.
    clients("lambda").invoke(FunctionName=name)
    assert counted(clients, "AWS/Lambda", "Invocations", FunctionName=name) == 2
    clients("lambda").delete_function(FunctionName=name)
    sns.publish(TopicArn=topic, Message="x")
    failed = {"TopicName": topic.rpartition(":")[2]}
    eventually(lambda: counted(clients, "AWS/SNS", "NumberOfNotificationsFailed", **failed) == 1)


def test_a_subscription_by_mail_waits_to_be_confirmed(clients: Clients) -> None:
    """Stock ministack confirms it at once and lists an ARN."""
    sns = clients("sns")
    topic = sns.create_topic(Name=f"people-{uuid.uuid4().hex[:8]}")["TopicArn"]
    asked = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="jane@example.com")
    assert asked["SubscriptionArn"] == "pending confirmation"

    def listed() -> list[tuple[str, str]]:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        return [(each["Endpoint"], each["SubscriptionArn"]) for page in pages for each in page["Subscriptions"]]

    assert listed() == [("jane@example.com", "PendingConfirmation")]
    again = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="jane@example.com", ReturnSubscriptionArn=True)
    arn = again["SubscriptionArn"]
    sns.confirm_subscription(TopicArn=topic, Token=arn.rpartition(":")[2], AuthenticateOnUnsubscribe="true")
    assert listed() == [("jane@example.com", arn)]
    sns.unsubscribe(SubscriptionArn=arn)
    assert listed() == []


def test_a_subscription_of_a_template_waits_too_and_many_come_in_pages(clients: Clients, deploy: Deploy) -> None:
    stack = deploy(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            "Mail": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "jane@example.com"},
            },
        }
    )
    sns, topic = clients("sns"), stack.id_of("Topic")
    for number in range(100):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue-{number}")
    pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic))
    assert [len(page["Subscriptions"]) for page in pages] == [100, 1]
    arns = {each["Endpoint"]: each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]}
    assert arns["jane@example.com"] == "PendingConfirmation"


def test_an_alarm_that_a_topics_policy_refuses_is_in_the_history_alone(clients: Clients) -> None:
    sns, cloudwatch, name = clients("sns"), clients("cloudwatch"), f"refused-{uuid.uuid4().hex[:8]}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    other = {
        "Effect": "Allow",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="T/Refused",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
        AlarmActions=[topic],
    )

    def actions() -> list[dict[str, Any]]:
        found = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")
        items: list[dict[str, Any]] = found["AlarmHistoryItems"]
        return items

    (item,) = eventually(actions)
    assert item["HistorySummary"].startswith(f"Failed to execute action {topic}. Received error: ")
    assert json.loads(item["HistoryData"])["actionState"] == "Failed"
