"""Position up to which events were derived from the changes."""

from __future__ import annotations

from typing import Any


async def skip_to_present(connection: Any) -> None:
    """Leaves out the changes up to now if no webhook is enabled, before the first one is.

    Without webhooks the position does not move, and a new one must not get the events of earlier times.
    """
    postgres = connection.capabilities.dialect == "postgres"
    now = "date_trunc('second', now())" if postgres else "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
    await connection.execute_query(
        "UPDATE webhook_position SET seq = (SELECT coalesce(max(seq), 0) FROM article_log),"
        f" change_seq = (SELECT coalesce(max(seq), 0) FROM row_change), clock_until = {now}"
        " WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE enabled)"
    )
