"""The codes of storage profiles (contract, 2.6), by what core says is wrong."""

PREFIX = "storage_provider_profile_"

_OF_PROFILE = {
    ("provider_type", "missing"): "provider_type_required",
    ("provider_type", "unsupported"): "provider_type_unsupported",
    ("provider_type", "mismatch"): "provider_type_mismatch",
    ("name", "missing"): "name_required",
    ("name", "conflict"): "name_conflict",
    ("configuration", "missing"): "configuration_required",
    ("secret_configuration", "invalid"): "secret_configuration_invalid",
    ("secret_configuration", "not_supported"): "secret_not_supported",
    ("secret_configuration", "needed_again"): "secret_configuration_invalid",
    ("root_path", "missing"): "root_path_required",
    ("public_base_url", "invalid"): "public_base_url_invalid",
    ("endpoint", "missing"): "endpoint_invalid",
    ("endpoint", "invalid"): "endpoint_invalid",
    ("api_base_url", "invalid"): "endpoint_invalid",
    ("raw_base_url", "invalid"): "endpoint_invalid",
    ("bucket", "missing"): "bucket_required",
    ("region", "missing"): "region_required",
    ("access_key", "missing"): "access_key_required",
    ("secret_key", "missing"): "secret_key_required",
    ("owner", "missing"): "github_owner_required",
    ("owner", "invalid"): "github_owner_invalid",
    ("repository", "missing"): "github_repo_required",
    ("repository", "invalid"): "github_repo_invalid",
    ("reference", "missing"): "github_repo_ref_required",
    ("reference", "invalid"): "github_repo_ref_invalid",
    ("base_path", "invalid"): "github_path_prefix_invalid",
    ("visibility_policy", "invalid"): "github_visibility_policy_invalid",
    ("token", "invalid"): "github_token_invalid",
    ("token", "missing"): "github_repo_token_required_for_private",
    ("is_default", "requires_enabled"): "default_requires_enabled",
    ("profile", "disabled"): "disabled",
    ("profile", "not_writable"): "write_not_supported",
}

INVALID = {
    **{("profile", field, kind): PREFIX + code for (field, kind), code in _OF_PROFILE.items()},
    ("profile", "profile", "default_disabled"): "storage_provider_default_write_profile_disabled",
    ("file", "path", "missing"): "storage_provider_upsert_path_required",
    ("file", "content", "missing"): "storage_provider_upsert_content_required",
    ("file", "content", "base64"): "storage_provider_upsert_content_base64_invalid",
    ("file", "content", "empty"): "storage_provider_upsert_content_empty",
}
"""(subject, field, kind of `errors.Invalid`) → code; 400 all of them."""

SUBJECT_INVALID = {"profile": f"{PREFIX}configuration_invalid"}
"""What is wrong with a subject when no code of its own says it."""

CODES = {
    ("folder", "not_found"): ("storage_provider_directory_not_found", 404),
    ("file", "not_found"): ("storage_provider_target_not_found", 404),
    ("file", "conflict"): ("storage_provider_upsert_expected_sha_conflict", 409),
    ("missing_file", "conflict"): ("storage_provider_upsert_expected_sha_target_missing", 409),
    ("", "store_refused"): ("storage_provider_access_denied", 400),
}
"""(subject, core's code) → code and status."""
