"""ScaiSend's "Images": the tenant's public image library and its proxy (contract, 1)."""

from mediatheque.surfaces.http import Surface
from mediatheque.surfaces.images.documents import PROXY_PATHS
from mediatheque.surfaces.images.proxy import proxy
from mediatheque.surfaces.images.routes import routes
from mediatheque.surfaces.images.shapes import TERMS, render_error, render_invalid

SURFACE = Surface(
    name="images",
    prefixes=("/v3/", "/i/"),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
    hot={"/i/": proxy},
    hot_paths=PROXY_PATHS,
)
