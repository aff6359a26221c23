"""An API that answers from its OpenAPI document alone, with state per episode, and the audit of a toolset by it.

Owns: what an API's document tells of its resources, an episode's things, and answers. Building and checking requests
belongs to `tasks.openapi`, realistic values to `tasks.values`.
"""

from tasks.mock.audit import audit_functions
from tasks.mock.transport import MockApi, MockTransport

__all__ = ["MockApi", "MockTransport", "audit_functions"]
