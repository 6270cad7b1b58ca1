"""Addresses in the AWS console, in the partition of a Region."""

_OTHER_DOMAINS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def dashboard_url(name: str, *, region: str) -> str:
    """A CloudWatch dashboard."""
    return f"{_cloudwatch(region)}dashboards/dashboard/{name}"


def alarm_url(name: str, *, region: str) -> str:
    """An alarm."""
    return f"{_cloudwatch(region)}alarmsV2:alarm/{name}"


def folder_url(bucket: str, prefix: str, *, region: str) -> str:
    """What lies under a prefix of a bucket."""
    return f"https://{_host(region)}/s3/buckets/{bucket}?region={region}&prefix={prefix}"


def object_url(bucket: str, key: str, *, region: str) -> str:
    """One object of a bucket."""
    return f"https://{_host(region)}/s3/object/{bucket}?region={region}&prefix={key}"


def _cloudwatch(region: str) -> str:
    return f"https://{_host(region)}/cloudwatch/home?region={region}#"


def _host(region: str) -> str:
    domain = next((found for start, found in _OTHER_DOMAINS.items() if region.startswith(start)), None)
    return f"{region}.{domain or 'console.aws.amazon.com'}"
