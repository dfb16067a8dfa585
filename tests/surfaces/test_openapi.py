"""The OpenAPI document against the running server: what it promises holds, and nothing that it allows breaks us."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import Tenant
from tests.support import upload

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 25


@pytest.fixture
def image(tenant: Tenant) -> str:
    return str(upload(tenant.client)["id"])


def test_the_server_keeps_what_its_document_promises(tenant: Tenant, image: str) -> None:
    schema = schemathesis.openapi.from_url(f"{tenant.server.url}/openapi.json")
    headers = {"Authorization": f"Bearer {tenant.key.key}"}
    operations = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operations.append(found.ok())
    assert len(operations) >= 15
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                  phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case[Any]) -> None:
            if "image_id" in case.path_parameters and len(str(case.path_parameters["image_id"])) % 2:
                case.path_parameters["image_id"] = image
            response = case.call(headers=headers, timeout=30)
            case.validate_response(response, checks=CHECKS, headers=headers)

        check()
