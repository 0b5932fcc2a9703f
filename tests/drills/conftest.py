"""Sites that drills may break."""

from tests.integration.operations.conftest import published_site

__all__ = ["published_site"]
