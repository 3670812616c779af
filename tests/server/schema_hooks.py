"""Media types that schemathesis does not know by itself."""

import schemathesis

# The pieces of tus are bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
