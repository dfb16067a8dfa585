"""What the OpenAPI document says of this surface beyond what the framework reads from the code."""

from typing import Any

from mediatheque.surfaces.assets.shapes import ErrorEnvelope

_TEXT = {"type": "string", "maxLength": 1000}
UPLOAD_FIELDS: dict[str, Any] = {
    "description": _TEXT,
    "altText": _TEXT,
    "isPublic": {"type": "boolean", "default": True},
    "storageProviderProfileId": {"type": "string", "format": "uuid"},
    "commitMessage": {"type": "string"},
    "runEnrichment": {"type": "boolean", "default": True},
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503, 507)
}
CONTENT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes of a private asset"},
    206: {"description": "A byte range of them"},
    304: {"description": "Not modified"},
    307: {"description": "To a public asset's URL"},
    416: {"description": "Range beyond the end"},
}
CONTENT_PATHS = {
    "/content/{storage_key}": {
        method: {
            "tags": ["assets"],
            "operationId": f"{method}_content",
            "summary": "The bytes of a public asset or of a derivative",
            "parameters": [{"name": "storage_key", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {
                status: {"description": description}
                for status, description in {
                    "200": "The bytes",
                    "206": "A byte range of them",
                    "304": "Not modified",
                    "404": "Nothing public has this key",
                    "405": "Method not allowed",
                    "416": "Range beyond the end",
                    "503": "Service unavailable",
                }.items()
            },
            "security": [],
        }
        for method in ("get", "head")
    }
}
