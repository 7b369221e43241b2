"""Entries of live blogs in files: a round trip loses nothing of them."""

from __future__ import annotations
