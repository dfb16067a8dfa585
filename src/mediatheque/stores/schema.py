"""Types that the configurations of several stores share."""

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field


def _base_url(value: str) -> str:
    parsed = AnyHttpUrl(value)
    if parsed.query or parsed.fragment or parsed.username or parsed.password:
        raise ValueError("an absolute http(s) address without query or credentials")
    return value.rstrip("/")


BaseUrl = Annotated[str, Field(max_length=1024), AfterValidator(_base_url)]
"""An absolute http(s) address, without the slash at its end."""
