"""Tickets for event streams: what they stand for, how long, and that none can be made up."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import NOW

from contentql.auth.authenticator import Authenticator, Credentials
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.stream_tickets import (
    TICKET_LIFETIME,
    TICKET_PREFIX,
    TicketHolder,
    jwt_holder,
    sign_ticket,
    verify_ticket,
)
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database

KEY = "a" * 64
LATER = NOW + TICKET_LIFETIME
SECOND = dt.timedelta(seconds=1)

HOLDERS = st.builds(
    TicketHolder,
    token_id=st.none() | st.integers(1, 2**53),
    link_id=st.none() | st.integers(1, 2**53),
    preview_at=st.none() | st.just("2026-12-24T18:00:00Z"),
)


@given(HOLDERS)
def test_a_ticket_names_its_holder_until_it_expires(holder: TicketHolder) -> None:
    ticket = sign_ticket(KEY, holder, LATER)
    assert verify_ticket(KEY, ticket, NOW) == holder
    assert verify_ticket(KEY, ticket, LATER - SECOND) == holder
    assert verify_ticket(KEY, ticket, LATER) is None
    assert verify_ticket("b" * 64, ticket, NOW) is None


@given(HOLDERS, st.data())
def test_changed_tickets_are_not_valid(holder: TicketHolder, data: st.DataObject) -> None:
    """Whichever byte is changed, cut or added."""
    ticket = sign_ticket(KEY, holder, LATER)
    content = bytearray(base64.urlsafe_b64decode(ticket.removeprefix(TICKET_PREFIX)))
    place = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["change", "cut", "add"]))
    if how == "change":
        content[place] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        content = content[:place]
    else:
        content += b"\0"
    changed = TICKET_PREFIX + base64.urlsafe_b64encode(content).decode()
    assert verify_ticket(KEY, changed, NOW) is None


@given(st.text(max_size=100))
def test_other_texts_are_no_tickets(text: str) -> None:
    assert verify_ticket(KEY, text, NOW) is None
    assert verify_ticket(KEY, TICKET_PREFIX + text, NOW) is None


def test_a_ticket_of_a_jwt_has_its_viewer_until_that_expires() -> None:
    """Without the JWT itself, which a URL must not show."""
    viewer = Viewer("Jane", Role.EDITOR, "https://id.example.org|jane", ROLE_PERMISSIONS[Role.EDITOR])
    expires_at = NOW + dt.timedelta(seconds=30)
    claims = base64.urlsafe_b64encode(orjson.dumps({"exp": expires_at.timestamp()})).decode().rstrip("=")
    jwt = f"e30.{claims}.c2lnbmF0dXJl"
    ticket = sign_ticket(KEY, jwt_holder(viewer, jwt), LATER)
    assert jwt not in ticket
    holder = verify_ticket(KEY, ticket, NOW)
    assert holder is not None
    assert holder.jwt_viewer(NOW) == viewer
    assert holder.jwt_viewer(expires_at) is None


async def test_credentials_of_a_ticket_are_verified_again(database_url: str) -> None:
    """Those of a deleted token or link are refused, also with a preview time."""
    async with Database(database_url) as database:
        authenticator = Authenticator(database, Settings(), now=lambda: NOW)
        for holder in (TicketHolder(token_id=7), TicketHolder(link_id=7)):
            for each in (holder, replace(holder, preview_at="2026-12-24T18:00:00Z")):
                with pytest.raises(ApiError) as error:
                    await authenticator.verify_again(Credentials(ticket=each))
                assert error.value.code == "UNAUTHENTICATED"
        assert (await authenticator.verify_again(Credentials())).is_public
