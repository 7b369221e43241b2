"""Entries of live blogs in files: a round trip loses nothing of them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from tests.conftest import NOW
from tests.editorial.test_live_entries import add, body_of, live_blog
from tests.support.editorial_client import ANNA, HOUR, EditorialClient

from contentql.formats import jsonl
from contentql.importing.exporter import export_to_stream
from contentql.importing.importer import import_records
