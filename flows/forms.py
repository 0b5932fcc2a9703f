"""What the forms in Prefect's UI show of a flow's parameters."""

from typing import Any

from pydantic import Field


def shown(title: str, **schema: Any) -> Any:  # noqa: ANN401  (what pydantic's Field gives)
    """Return what the form shows of a parameter; a plain `title` of one is ignored there.

    Args:
        title: What stands over the field.
        schema: Further keys of its JSON schema, such as a `pattern` that is checked before a run exists.
    """
    return Field(json_schema_extra={"title": title, **schema})
