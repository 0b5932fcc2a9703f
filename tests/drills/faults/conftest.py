"""Sites whose served date faults may threaten."""

from tests.integration.operations.conftest import published_site

__all__ = ["published_site"]
