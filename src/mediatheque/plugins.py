"""Everything that is plugged in, as `module:NAME`. Only app.py reads this; the order of SKILLS is the pipeline."""

SURFACES = (
    "mediatheque.surfaces.images:SURFACE",
    "mediatheque.surfaces.assets:SURFACE",
    "mediatheque.surfaces.uploads:SURFACE",
    "mediatheque.surfaces.signed:SURFACE",
)
STORES = ("mediatheque.stores.local:STORE",)
KINDS = ("mediatheque.kinds.image:KIND",)
SKILLS = ("mediatheque.skills.variants:SKILL",)
