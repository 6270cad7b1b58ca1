"""Rules about the guardrails of a file."""

from collections.abc import Iterator

from configuration.document.reading import Mistake
from configuration.loading.rules.parts import Parts


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """Every rule that the guardrails break."""
    region = parts.top.get("region")
    names: dict[str, int] = {}
    versions: dict[tuple[str, str], int] = {}
    for index, guardrail in enumerate(parts.guardrails):
        if guardrail is None:
            continue
        if guardrail.name in names:
            at = names[guardrail.name]
            yield Mistake(("guardrails", index, "name"), f"{guardrail.name!r} is already in guardrails[{at}]")
        one = (guardrail.id.rpartition("/")[2], guardrail.version)
        if one in versions:
            yield Mistake(("guardrails", index), f"{' version '.join(one)} is already in guardrails[{versions[one]}]")
        if guardrail.is_arn and region is not None and guardrail.id.split(":")[3] != region:
            yield Mistake(
                ("guardrails", index, "id"),
                f"{guardrail.id!r} is in another Region and has its metrics there; needed: a guardrail in {region}",
            )
        names.setdefault(guardrail.name, index)
        versions.setdefault(one, index)
