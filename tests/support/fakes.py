"""Fakes of the AWS clients that the functions use. Errors have botocore's shape; S3 honours conditional writes."""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

START = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)


class KilledError(BaseException):
    """The process is gone: not an Exception, so that no handler takes it for an error."""


def client_error(code: str, message: str = "", *, status: int = 400, operation: str = "Operation") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )


class FakeClock:
    """`now` and `seconds` move only when told to."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def seconds(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds


@dataclass
class FakeContext:
    """Lambda's context."""

    seconds: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass(frozen=True)
class Object:
    """A stored object."""

    body: bytes
    metadata: dict[str, str]

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class FakeS3:
    """Buckets in memory. `before_put` and `after_put` are called with the key and may raise."""

    page_size = 1000

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.versions: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.uploads: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.denied: set[str] = set()
        self.missing_buckets: set[str] = set()
        self.tags: dict[str, dict[str, str]] = {}
        self.calls: Counter[str] = Counter()
        self.before_put: Callable[[str], None] = lambda key: None
        self.after_put: Callable[[str], None] = lambda key: None
        self.meta = SimpleNamespace(region_name="us-east-1")

    def keys(self, bucket: str) -> list[str]:
        return sorted(key for owner, key in self.objects if owner == bucket)

    def text(self, bucket: str, key: str) -> str:
        return self.objects[bucket, key].body.decode()

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803 - boto3's names, here and below
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str = "",  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        self.calls["put_object"] += 1
        self.before_put(Key)
        standing = self.objects.get((Bucket, Key))
        if IfNoneMatch == "*" and standing is not None:
            raise client_error("PreconditionFailed", status=412)
        if IfMatch is not None and standing is None:
            raise client_error("NoSuchKey", status=404)
        if IfMatch is not None and standing is not None and standing.etag != IfMatch:
            raise client_error("PreconditionFailed", status=412)
        self.objects[Bucket, Key] = Object(Body, Metadata or {})
        self.after_put(Key)
        return {"ETag": self.objects[Bucket, Key].etag}

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None, IfMatch: str | None = None) -> Any:  # noqa: N803
        self.calls["get_object"] += 1
        found = self._found(Bucket, Key, missing="NoSuchKey")
        if IfMatch is not None and IfMatch != found.etag:
            raise client_error("PreconditionFailed", status=412)
        body = found.body
        if Range is not None:
            first, last = (int(part) for part in Range.removeprefix("bytes=").split("-"))
            body = body[first : last + 1]
        return {"Body": io.BytesIO(body), "ETag": found.etag}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.calls["head_object"] += 1
        found = self._found(Bucket, Key, missing="404")
        return {"ETag": found.etag, "ContentLength": len(found.body), "Metadata": found.metadata}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self.objects.pop((Bucket, Key), None)

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **rest: Any) -> None:  # noqa: N803
        source = self._found(CopySource["Bucket"], CopySource["Key"], missing="NoSuchKey")
        self.objects[Bucket, Key] = Object(source.body, rest.get("Metadata", source.metadata))

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        assert len(Delete["Objects"]) <= 1000
        self.calls["delete_objects"] += 1
        refused = [entry for entry in Delete["Objects"] if entry["Key"] in self.denied]
        gone = {(entry["Key"], entry["VersionId"]) for entry in Delete["Objects"] if entry not in refused}
        self.versions[Bucket] = [
            entry for entry in self.versions[Bucket] if (entry["Key"], entry["VersionId"]) not in gone
        ]
        return {"Errors": [{"Key": entry["Key"], "Code": "InternalError", "Message": "later"} for entry in refused]}

    def get_bucket_tagging(self, *, Bucket: str) -> dict[str, Any]:  # noqa: N803
        if Bucket in self.missing_buckets:
            raise client_error("NoSuchBucket", status=404)
        if not self.tags.get(Bucket):
            raise client_error("NoSuchTagSet", status=404)
        return {"TagSet": [{"Key": key, "Value": value} for key, value in self.tags[Bucket].items()]}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> None:  # noqa: N803
        self.uploads[Bucket].remove({"Key": Key, "UploadId": UploadId})

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=self._pages()[name])

    def _pages(self) -> dict[str, Callable[..., Iterator[dict[str, Any]]]]:
        return {
            "list_objects_v2": self._list,
            "list_object_versions": self._list_versions,
            "list_multipart_uploads": self._list_uploads,
        }

    def _list(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        StartAfter: str = "",  # noqa: N803
    ) -> Iterator[dict[str, Any]]:
        self.calls["list_objects_v2"] += 1
        self._refuse(Bucket, Prefix)
        keys = [key for key in self.keys(Bucket) if key.startswith(Prefix) and key > StartAfter]
        if not Delimiter:
            for page in _pairs(keys):
                yield {"Contents": [{"Key": key} for key in page]}
            return
        below = {key: key[len(Prefix) :].partition(Delimiter) for key in keys}
        for page in _pairs([key for key, (_, delimiter, _) in below.items() if not delimiter]):
            yield {"Contents": [{"Key": key} for key in page]}
        prefixes = sorted({Prefix + name + Delimiter for name, delimiter, _ in below.values() if delimiter})
        for page in _pairs(prefixes):
            yield {"CommonPrefixes": [{"Prefix": prefix} for prefix in page]}

    def _list_versions(self, *, Bucket: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        self.calls["list_object_versions"] += 1
        if Bucket in self.missing_buckets:
            raise client_error("NoSuchBucket", status=404)
        entries = list(self.versions[Bucket])
        for start in range(0, len(entries), self.page_size):
            page = entries[start : start + self.page_size]
            yield {"Versions": page[::2], "DeleteMarkers": page[1::2]}

    def _list_uploads(self, *, Bucket: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        if Bucket in self.missing_buckets:
            raise client_error("NoSuchBucket", status=404)
        yield {"Uploads": list(self.uploads[Bucket])}

    def _found(self, bucket: str, key: str, *, missing: str) -> Object:
        self._refuse(bucket, key)
        if (bucket, key) not in self.objects:
            raise client_error(missing, status=404)
        return self.objects[bucket, key]

    def _refuse(self, bucket: str, key: str) -> None:
        if bucket in self.missing_buckets:
            raise client_error("NoSuchBucket", status=404)
        if key in self.denied:
            raise client_error("AccessDenied", status=403)


def _pairs(items: list[str]) -> Iterator[list[str]]:
    """Pages of two, so that whoever reads only the first page is found out."""
    for start in range(0, len(items), 2):
        yield items[start : start + 2]


class FakeCloudWatch:
    """Keeps what is published; what can be read is in `series`, by metric name and value of the only dimension.

    `active` is what ListMetrics has: namespace, name, dimensions.
    """

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self.namespaces: set[str] = set()
        self.series: dict[tuple[str, str], list[float]] = {}
        self.active: list[tuple[str, str, dict[str, str]]] = []
        self.status: str = "Complete"
        self.refused: Exception | None = None
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> Any:
        pages = {"get_metric_data": self._get_metric_data, "list_metrics": self._list_metrics}
        return SimpleNamespace(paginate=pages[name])

    def _list_metrics(self, *, Namespace: str, RecentlyActive: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        """A page a metric."""
        assert RecentlyActive == "PT3H"
        if self.refused is not None:
            raise self.refused
        for namespace, name, dimensions in self.active:
            listed = [{"Name": each, "Value": value} for each, value in dimensions.items()]
            if namespace == Namespace:
                yield {"Metrics": [{"Namespace": namespace, "MetricName": name, "Dimensions": listed}]}

    def _get_metric_data(self, **request: Any) -> Iterator[dict[str, Any]]:
        """A page a datapoint, so that whoever reads only the first page is found out."""
        assert len(request["MetricDataQueries"]) <= 500
        assert request["StartTime"] < request["EndTime"]
        self.asked.append(request)
        found = {query["Id"]: self._values(query["MetricStat"]) for query in request["MetricDataQueries"]}
        for number in range(max([1, *map(len, found.values())])):
            last = all(len(values) <= number + 1 for values in found.values())
            yield {
                "MetricDataResults": [
                    {"Id": query_id, "Values": values[number : number + 1], "StatusCode": self._code(last)}
                    for query_id, values in found.items()
                ]
            }

    def _code(self, last: bool) -> str:
        return self.status if last else "PartialData"

    def _values(self, stat: dict[str, Any]) -> list[float]:
        assert stat["Stat"] == "Sum"
        values = sorted(each["Value"] for each in stat["Metric"]["Dimensions"])
        return self.series.get((stat["Metric"]["MetricName"], " ".join(values)), [])

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        if self.refused is not None:
            raise self.refused
        self.namespaces.add(Namespace)
        self.data += MetricData

    def values(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Every single value published under a name, with its dimensions."""
        return [
            ({item["Name"]: item["Value"] for item in datum["Dimensions"]}, datum["Value"])
            for datum in self.data
            if datum["MetricName"] == name and "Value" in datum
        ]


def answer(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """A Converse response."""
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
        "metrics": {"latencyMs": 120},
    }


@dataclass
class FakeModels:
    """bedrock-runtime. `script` decides what a request gets: a response, or an exception to raise."""

    script: Callable[[str, str], dict[str, Any] | BaseException] = lambda model, prompt: answer(
        {"text": f"to {prompt}"}
    )
    requests: list[dict[str, Any]] = field(default_factory=list)
    most_in_flight: int = 0
    _in_flight: int = 0
    _lock: Any = field(default_factory=Lock)

    def asked(self) -> Counter[tuple[str, str]]:
        """How often each model was asked each prompt."""
        return Counter((request["modelId"], _prompt(request)) for request in self.requests)

    def requests_to(self, model: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["modelId"] == model]

    def converse(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            self.requests.append(request)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            result = self.script(request["modelId"], _prompt(request))
        finally:
            with self._lock:
                self._in_flight -= 1
        if isinstance(result, BaseException):
            raise result
        return result


def _prompt(request: dict[str, Any]) -> str:
    text: str = request["messages"][0]["content"][0]["text"]
    return text


@dataclass
class FakeQueues:
    """SQS with queues by name, and how many messages wait, are received or delayed in each; an error is raised."""

    queues: Mapping[str, tuple[int, int, int] | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get_queue_url(self, **request: str) -> dict[str, str]:
        if request["QueueName"] not in self.queues:
            raise client_error("AWS.SimpleQueueService.NonExistentQueue", status=400)
        return {"QueueUrl": f"https://sqs.test/{request['QueueName']}"}

    def get_queue_attributes(self, **request: Any) -> dict[str, dict[str, str]]:
        name = request["QueueUrl"].rpartition("/")[2]
        self.asked.append(name)
        found = self.queues[name]
        if isinstance(found, Exception):
            raise found
        whole = ("", "NotVisible", "Delayed")
        counts = {f"ApproximateNumberOfMessages{kind}": str(n) for kind, n in zip(whole, found, strict=True)}
        return {"Attributes": {each: counts[each] for each in request["AttributeNames"]}}
